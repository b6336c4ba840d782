"""What the audit API reads from an address, and what it writes of an event."""

from typing import Any

from rest_framework import serializers

from audit.registry import REGISTRY, EventClass
from audit.selectors.events import EventFilter, Line, OneEvent
from semafore.kernel.http.fields import (
    Base64Field,
    MomentField,
    StrictSerializer,
    StrictUUIDField,
    UtcField,
)
from semafore.kernel.paging import PAGE_SIZE

LIMIT_MAX = 1000
CURSOR_MAX = 1000
CLASS_MAX = max(EventClass)


class EventQuerySerializer(StrictSerializer):
    """Which events, and from where on."""

    action = serializers.CharField(max_length=100, required=False)
    actor = StrictUUIDField(required=False)
    target = StrictUUIDField(required=False)
    room = StrictUUIDField(required=False)
    outcome = serializers.ChoiceField(["success", "denied"], required=False)
    address = serializers.IPAddressField(required=False)
    message = StrictUUIDField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MAX, default=PAGE_SIZE)
    cursor = serializers.CharField(max_length=CURSOR_MAX, required=False)

    def get_fields(self) -> dict[str, Any]:
        """With `from` and `to`: no names for attributes."""
        return {
            "from": MomentField(required=False),
            "to": MomentField(required=False),
            **super().get_fields(),
        }

    def validate_action(self, value: str) -> str:
        """A type that the server records."""
        if value not in REGISTRY:
            raise serializers.ValidationError("No such type of event.", code="invalid_choice")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A range that isn't empty."""
        if "from" in attrs and "to" in attrs and attrs["from"] >= attrs["to"]:
            raise serializers.ValidationError({"to": "This is not after `from`."})
        return attrs

    def chosen(self) -> EventFilter:
        """Of valid values."""
        named = {"from": "from_at", "to": "to_at"}
        given = {
            named.get(name, name): value
            for name, value in self.validated_data.items()
            if name not in {"limit", "cursor"}
        }
        return EventFilter(**given)


class _OfClassSerializer(serializers.Serializer[Any]):
    """With `class`: no name for an attribute."""

    def get_fields(self) -> dict[str, Any]:
        """Those declared, and the class."""
        number = serializers.IntegerField(source="event_class", min_value=1, max_value=CLASS_MAX)
        return {"class": number, **super().get_fields()}


class EventSerializer(_OfClassSerializer):
    """An event in its place; `who` and `what` are null where retention has deleted them."""

    seq = serializers.IntegerField(min_value=0)
    id = serializers.UUIDField()
    type = serializers.CharField()
    time = UtcField()
    outcome = serializers.CharField()
    leaf = Base64Field(length=32)
    who = serializers.DictField(allow_null=True)
    what = serializers.DictField(allow_null=True)


class EventsSerializer(serializers.Serializer[Any]):
    """A page of events; `next` is where to go on, now or later."""

    results = EventSerializer(many=True)
    next = serializers.CharField()


class OpenedEventSerializer(_OfClassSerializer):
    """An event with what its leaf is computed from (audit-log.md, From event to entry).

    Null is what retention has deleted, and place, entry and leaf of an event that waits for them.
    """

    seq = serializers.IntegerField(min_value=0, allow_null=True)
    id = serializers.UUIDField()
    type = serializers.CharField(allow_null=True)
    time = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    entry = Base64Field(allow_null=True)
    leaf = Base64Field(allow_null=True)
    who = serializers.DictField(allow_null=True)
    who_text = serializers.CharField(allow_null=True)
    who_opening = Base64Field(allow_null=True)
    c_who = Base64Field(allow_null=True)
    what = serializers.DictField(allow_null=True)
    what_text = serializers.CharField(allow_null=True)
    what_opening = Base64Field(allow_null=True)
    c_what = Base64Field(allow_null=True)


def line_shown(line: Line, leaf: bytes) -> dict[str, Any]:
    """Of an event in a list."""
    row = line.row
    return {
        "seq": row.seq,
        "id": row.event_id,
        "event_class": row.event_class,
        "type": row.type,
        "time": row.at,
        "outcome": row.outcome,
        "leaf": leaf,
        "who": line.who,
        "what": line.what,
    }


def event_shown(found: OneEvent) -> dict[str, Any]:
    """Of one event: the text of a part is what its commitment was made over."""
    row, entry, what = found.row, found.entry, found.what or {}
    parts: dict[str, Any] = {}
    for name in ("who", "what"):
        text = row and getattr(row, name)
        parts |= {
            name: getattr(found, name),
            f"{name}_text": text and bytes(text).decode(),
            f"{name}_opening": row and getattr(row, f"{name}_opening"),
            f"c_{name}": row and getattr(row, f"c_{name}"),
        }
    return {
        "seq": entry and entry.seq,
        "id": found.id,
        "event_class": found.event_class,
        "type": what.get("type"),
        "time": what.get("time"),
        "outcome": what.get("outcome"),
        "entry": entry and entry.entry,
        "leaf": entry and entry.leaf,
        **parts,
    }
