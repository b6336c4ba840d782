"""A person's rooms, with who is in them."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from messaging.models import Room, RoomMembership
from messaging.selectors.members import messageable_devices
from messaging.selectors.reach import rooms_of
from semafore.kernel.problems import NotFound


def with_members(rooms: QuerySet[Room]) -> QuerySet[Room]:
    """The rooms, with party; of their `memberships`, who is in them now."""
    return rooms.select_related("party").prefetch_related(
        Prefetch("memberships", queryset=_present())
    )


def own_room(*, membership_id: UUID, room_id: UUID) -> Room:
    """A room that the person is in, with its people and their devices. Raises NotFound.

    Who can't be messaged just now, being suspended say, has no devices.
    """
    people = (
        _present()
        .select_related("membership__party")
        .prefetch_related(Prefetch("membership__devices", queryset=messageable_devices()))
    )
    rooms = rooms_of(membership_id).select_related("party")
    room = rooms.prefetch_related(Prefetch("memberships", queryset=people)).filter(id=room_id)
    found = room.first()
    if found is None:
        raise NotFound
    return found


def _present() -> QuerySet[RoomMembership]:
    return RoomMembership.objects.filter(ended_at=None).order_by("added_at", "id")
