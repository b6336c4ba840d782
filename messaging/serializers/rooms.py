"""Rooms as devices make, change and see them."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from messaging.models import Room, RoomKind, RoomMembership
from messaging.serializers.members import PeerDeviceSerializer
from semafore.kernel.http.fields import StrictSerializer, StrictUUIDField, UtcField

NAME_MAX = 200

MADE_BY_DEVICES = (RoomKind.DIRECT, RoomKind.GROUP)


class IdListField(serializers.ListField):
    """Ids, each once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=StrictUUIDField(), **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        """The ids. Raises ValidationError `not_distinct`."""
        ids: list[Any] = super().to_internal_value(data)
        if len(set(ids)) < len(ids):
            raise serializers.ValidationError("An id stands twice.", code="not_distinct")
        return ids


class NewRoomSerializer(StrictSerializer):
    """Body of `POST rooms`: `kind` says which other fields there are."""

    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in MADE_BY_DEVICES])
    name = serializers.CharField(max_length=NAME_MAX, required=False)
    members = IdListField(max_length=settings.ROOM_MAX_DEVICES)
    parent = StrictUUIDField(required=False)  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A direct room has one other person and nothing else, a group has a name.

        Raises ValidationError.
        """
        if attrs["kind"] == RoomKind.GROUP:
            if "name" not in attrs:
                raise serializers.ValidationError(
                    {"name": serializers.ErrorDetail("A group has a name.", code="required")}
                )
            return attrs
        unknown = {name for name in ("name", "parent") if name in attrs}
        if unknown:
            raise serializers.ValidationError(
                {
                    name: serializers.ErrorDetail("A direct room has none.", code="unknown_field")
                    for name in sorted(unknown)
                }
            )
        if len(attrs["members"]) != 1:
            raise serializers.ValidationError(
                {"members": serializers.ErrorDetail("Name the other person.", code="invalid")}
            )
        return attrs


class RoomChangeSerializer(StrictSerializer):
    """Body of `PATCH rooms/{id}`; `administrators` are all that there are to be."""

    name = serializers.CharField(max_length=NAME_MAX, required=False)
    administrators = IdListField(min_length=1, max_length=settings.ROOM_MAX_DEVICES, required=False)


class RoomAdditionSerializer(StrictSerializer):
    """Body of `POST rooms/{id}/members`."""

    members = IdListField(min_length=1, max_length=settings.ROOM_MAX_DEVICES)


class RoomMemberSerializer(serializers.ModelSerializer[RoomMembership]):
    """Who is in a room; `GET members` tells more of those who can be messaged."""

    id = serializers.UUIDField(source="membership_id", read_only=True)
    since = UtcField(source="added_at")

    class Meta:
        model = RoomMembership
        fields: tuple[str, ...] = ("id", "role", "since")
        read_only_fields = fields


class RoomSerializer(serializers.ModelSerializer[Room]):
    """A room as lists show it; `party`, `purpose` and `closes_at` are an external room's."""

    parent = serializers.UUIDField(  # type: ignore[assignment]
        source="parent_id", read_only=True, allow_null=True
    )
    party = serializers.CharField(
        source="party.name", default=None, allow_null=True, read_only=True
    )
    closes_at = UtcField(allow_null=True)
    created_at = UtcField()
    members = RoomMemberSerializer(source="memberships", many=True, read_only=True)

    class Meta:
        model = Room
        fields = (
            "id",
            "kind",
            "name",
            "status",
            "parent",
            "party",
            "purpose",
            "closes_at",
            "emergency",
            "created_at",
            "members",
        )
        read_only_fields = fields


class RoomsSerializer(serializers.Serializer[Any]):
    """A page of rooms."""

    results = RoomSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class RoomPersonSerializer(RoomMemberSerializer):
    """The same, by name, with devices: none where the person can't be messaged just now."""

    name = serializers.CharField(source="membership.name", read_only=True)
    kind = serializers.CharField(source="membership.kind", read_only=True)
    unit = serializers.CharField(source="membership.unit", read_only=True)
    party = serializers.CharField(
        source="membership.party.name", default=None, allow_null=True, read_only=True
    )
    devices = PeerDeviceSerializer(source="membership.devices", many=True, read_only=True)

    class Meta(RoomMemberSerializer.Meta):
        fields = ("id", "name", "kind", "unit", "party", "role", "since", "devices")
        read_only_fields = fields


class RoomDetailSerializer(RoomSerializer):
    """One room, with everything that sending into it needs."""

    members = RoomPersonSerializer(source="memberships", many=True, read_only=True)
