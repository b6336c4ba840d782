"""What programs ask of reports and what they are answered."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.models.retention import CASE_REFERENCE_LENGTH, REASON_LENGTH
from messaging.serializers.pages import CURSOR_MAX, LIMIT_MAX
from orgs.models import MembershipKind, MembershipStatus
from reports.questions import (
    DAYS_OF_WEEK,
    DEFAULT_DAYS,
    HOURS,
    WORK_DAYS,
    WORK_FROM,
    WORK_UNTIL,
    Kind,
    Question,
)
from semafore.kernel import clock
from semafore.kernel.http.fields import MomentField, StrictSerializer, StrictUUIDField
from semafore.kernel.paging import PAGE_SIZE

ZONE_LENGTH = 64


class AskSerializer(StrictSerializer):
    """What every report asks."""

    kind: Kind
    reason = serializers.CharField(max_length=REASON_LENGTH)
    case_reference = serializers.CharField(
        max_length=CASE_REFERENCE_LENGTH, default="", allow_blank=True
    )
    to = MomentField(required=False, help_text="Not included. Now, if nothing is said.")

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which Python keeps for itself."""
        beginning = MomentField(
            required=False, help_text="As long before `to` as the default period is."
        )
        return {**super().get_fields(), "from": beginning}

    def question(self, *, days: int = DEFAULT_DAYS) -> Question:
        """Of a valid query."""
        typed = dict(self.validated_data)
        for name in ("reason", "case_reference", "format", "part", "cursor", "limit"):
            typed.pop(name, None)
        to_at = typed.pop("to", None) or clock.now()
        from_at = typed.pop("from", None) or to_at - timedelta(days=days)
        return Question(kind=self.kind, from_at=from_at, to_at=to_at, **typed)


class GraphQuerySerializer(AskSerializer):
    """One of `person`, `room` and `party`."""

    kind = Kind.GRAPH
    person = StrictUUIDField(required=False)
    room = StrictUUIDField(required=False)
    party = StrictUUIDField(required=False)
    broadcasts = serializers.BooleanField(default=True)
    format = serializers.ChoiceField(choices=["json", "graphml"], default="json")


class TimingQuerySerializer(AskSerializer):
    """`person`, `room` or neither: then it is about the organisation."""

    kind = Kind.TIMING
    person = StrictUUIDField(required=False)
    room = StrictUUIDField(required=False)
    time_zone = serializers.CharField(max_length=ZONE_LENGTH, default="UTC")
    work_days = serializers.RegexField(
        r"^[1-7](,[1-7])*$",
        default=",".join(map(str, WORK_DAYS)),
        help_text="Days with commas between them, Monday is 1.",
    )
    work_from = serializers.IntegerField(min_value=0, max_value=HOURS - 1, default=WORK_FROM)
    work_until = serializers.IntegerField(min_value=1, max_value=HOURS, default=WORK_UNTIL)

    def validate_work_days(self, value: str) -> tuple[int, ...]:
        """As numbers."""
        return tuple(sorted({int(day) for day in value.split(",")}))


class MembershipQuerySerializer(AskSerializer):
    """Without a `room` it is about the organisation."""

    kind = Kind.MEMBERSHIP
    room = StrictUUIDField(required=False)
    at = MomentField(required=False, help_text="Now, if nothing is said.")
    part = serializers.ChoiceField(choices=["people", "changes"], default="people")
    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MAX, default=PAGE_SIZE)
    cursor = serializers.CharField(max_length=CURSOR_MAX, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A moment stands in it."""
        attrs.setdefault("at", clock.now())
        return attrs


class NodeSerializer(serializers.Serializer[Any]):
    """A person."""

    id = serializers.UUIDField(source="person.id")
    name = serializers.CharField()
    kind = serializers.ChoiceField(source="person.kind", choices=MembershipKind.choices)
    party = serializers.CharField(help_text="The company of a guest.")
    status = serializers.ChoiceField(source="person.status", choices=MembershipStatus.choices)
    start = serializers.BooleanField(help_text="The graph starts here.")
    messages = serializers.IntegerField(help_text="Of all edges.")


class TieSerializer(serializers.Serializer[Any]):
    """Messages one way."""

    sender_id = serializers.UUIDField()
    recipient_id = serializers.UUIDField()
    messages = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class GraphReportSerializer(serializers.Serializer[Any]):
    """People and who wrote to whom."""

    to = serializers.DateTimeField(source="question.to_at")
    people = NodeSerializer(source="graph.nodes", many=True)
    edges = TieSerializer(source="ties", many=True)
    left_out = serializers.IntegerField(
        source="graph.left_out", help_text="People of the same hop with fewer messages."
    )

    def get_fields(self) -> dict[str, Any]:
        """With `from`."""
        beginning = serializers.DateTimeField(source="question.from_at")
        return {"from": beginning, **super().get_fields()}


@extend_schema_field(
    {
        "type": "array",
        "minItems": len(DAYS_OF_WEEK),
        "maxItems": len(DAYS_OF_WEEK),
        "items": {
            "type": "array",
            "minItems": HOURS,
            "maxItems": HOURS,
            "items": {"type": "integer"},
        },
    }
)
class HoursField(serializers.ReadOnlyField):
    """Seven days from Monday on, of 24 hours each."""


class TimingReportSerializer(serializers.Serializer[Any]):
    """Messages by hour and day of the week."""

    to = serializers.DateTimeField(source="question.to_at")
    time_zone = serializers.CharField(source="question.time_zone")
    hours = HoursField(source="timing.hours")
    total = serializers.IntegerField(source="timing.total")
    out_of_hours = serializers.IntegerField(source="timing.out_of_hours")

    def get_fields(self) -> dict[str, Any]:
        """With `from`."""
        beginning = serializers.DateTimeField(source="question.from_at")
        return {"from": beginning, **super().get_fields()}


class PresentSerializer(serializers.Serializer[Any]):
    """Somebody who was there."""

    id = serializers.UUIDField(source="person.id")
    name = serializers.CharField()
    kind = serializers.ChoiceField(source="person.kind", choices=MembershipKind.choices)
    party = serializers.CharField(help_text="The company of a guest.")
    role = serializers.CharField()
    since = serializers.DateTimeField()
    standing = serializers.CharField(help_text="Of the membership then; empty in a room.")


class ChangeSerializer(serializers.Serializer[Any]):
    """Somebody came or went, or became something else."""

    at = serializers.DateTimeField()
    what = serializers.CharField()
    text = serializers.CharField(help_text="The reason, or the role before and after.")
    id = serializers.UUIDField(source="person_id", allow_null=True)
    name = serializers.CharField()
    by_id = serializers.UUIDField(allow_null=True)
    event_id = serializers.UUIDField(allow_null=True)


class MembershipReportSerializer(serializers.Serializer[Any]):
    """A page of the part that was asked for; the other one is empty."""

    at = serializers.DateTimeField()
    people = PresentSerializer(many=True)
    changes = ChangeSerializer(many=True)
    next = serializers.CharField(allow_null=True)
