"""Requests about external rooms: what is asked for, and the answer."""

from typing import Any

from rest_framework import serializers

from messaging.models import RequestKind, RequestStatus, RoomKind
from messaging.services.admission import GUESTS_MAX, GuestDraft
from messaging.services.external import NAME_LENGTH, REASON_LENGTH
from semafore.kernel.http.fields import MomentField, StrictSerializer, StrictUUIDField, UtcField

MEMBERS_MAX = 500
PHONE_LENGTH = 40


class GuestSerializer(StrictSerializer):
    """Somebody who is to be a guest: a person to be invited, or `membership_id` of a guest."""

    name = serializers.CharField(max_length=NAME_LENGTH, required=False)
    phone = serializers.CharField(max_length=PHONE_LENGTH, required=False)
    email = serializers.EmailField(required=False)
    membership_id = StrictUUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two. Raises ValidationError."""
        if ("membership_id" in attrs) == ("phone" in attrs):
            raise serializers.ValidationError("Give name and phone, or membership_id.")
        return attrs


class WithGuests(StrictSerializer):
    """A body that names guests."""

    guests = GuestSerializer(many=True, min_length=1, max_length=GUESTS_MAX)  # type: ignore[call-arg]  # of the list serializer that `many` makes

    def drafts(self) -> list[GuestDraft]:
        """The guests of a valid body."""
        return [GuestDraft(**guest) for guest in self.validated_data["guests"]]


class ExternalRoomSerializer(WithGuests):
    """Body of `POST rooms` with kind *external*."""

    kind = serializers.ChoiceField(choices=[RoomKind.EXTERNAL])
    name = serializers.CharField(max_length=NAME_LENGTH)
    purpose = serializers.CharField(max_length=REASON_LENGTH)
    party = serializers.CharField(max_length=NAME_LENGTH)
    closes_at = MomentField()
    members = serializers.ListField(child=StrictUUIDField(), max_length=MEMBERS_MAX, default=list)
    parent = StrictUUIDField(  # type: ignore[assignment]  # a field, which DRF takes off the class
        required=False, allow_null=True, default=None
    )

    def terms(self) -> dict[str, Any]:
        """What `request_room` takes, of a valid body."""
        wanted = self.validated_data
        same = {name: wanted[name] for name in ("name", "purpose", "party", "closes_at")}
        return same | {
            "member_ids": wanted["members"],
            "guests": self.drafts(),
            "parent_id": wanted["parent"],
        }


class GuestsRequestSerializer(WithGuests):
    """Body of `POST rooms/{id}/guests`."""

    reason = serializers.CharField(max_length=REASON_LENGTH)


class ExtensionSerializer(StrictSerializer):
    """Body of `POST rooms/{id}/extension`."""

    closes_at = MomentField()
    reason = serializers.CharField(max_length=REASON_LENGTH)


class RoomRequestSerializer(serializers.Serializer[Any]):
    """What was asked for, and that it waits."""

    request_id = serializers.UUIDField(source="id")
    room_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=RequestKind.choices)
    status = serializers.ChoiceField(choices=RequestStatus.choices)
    closes_at = UtcField(allow_null=True)
    approvals_needed = serializers.IntegerField()
