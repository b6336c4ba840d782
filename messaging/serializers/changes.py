"""The feed of changes."""

from typing import Any

from rest_framework import serializers

from messaging.selectors.changes import Changes
from messaging.serializers.members import PeerDeviceSerializer, PersonSerializer
from messaging.serializers.rooms import RoomSerializer
from semafore.kernel.http.fields import StrictSerializer

CURSOR_MAX = 1000


class ChangesQuerySerializer(StrictSerializer):
    """`cursor` of the feed's address."""

    cursor = serializers.CharField(max_length=CURSOR_MAX, required=False)


class RemovedSerializer(serializers.Serializer[Any]):
    """Ids of what the device may see no longer."""

    removed = serializers.ListField(child=serializers.UUIDField())


class RoomChangesSerializer(RemovedSerializer):
    """Rooms as the list shows them now."""

    changed = RoomSerializer(many=True)


class PersonChangesSerializer(RemovedSerializer):
    """People, without their devices."""

    changed = PersonSerializer(many=True)


class PeerDeviceChangesSerializer(RemovedSerializer):
    """Devices of the people whom the device may message."""

    changed = PeerDeviceSerializer(many=True)


class ChangesSerializer(serializers.Serializer[Any]):
    """What is new, as it stands now; with `more`, ask again with this cursor at once."""

    rooms = RoomChangesSerializer()
    members = PersonChangesSerializer()
    devices = PeerDeviceChangesSerializer()
    managed_config_version = serializers.IntegerField()
    cursor = serializers.CharField()
    more = serializers.BooleanField()


def render_changes(found: Changes) -> dict[str, Any]:
    """The JSON of a page."""
    return ChangesSerializer(
        {
            "rooms": {"changed": found.rooms, "removed": found.rooms_removed},
            "members": {"changed": found.people, "removed": found.people_removed},
            "devices": {"changed": found.devices, "removed": found.devices_removed},
            "managed_config_version": found.managed_config_version,
            "cursor": found.cursor,
            "more": found.more,
        }
    ).data
