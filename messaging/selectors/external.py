"""External rooms, their parties and guests, as pages of decisions name them."""

from uuid import UUID

from django.db.models import QuerySet

from messaging.models import Room, RoomKind, RoomMembership
from orgs.models import ExternalParty, MembershipKind
from semafore.kernel.problems import NotFound


def external_room(room_id: UUID) -> Room:
    """An external room with its party. Raises NotFound."""
    room = Room.objects.select_related("party").filter(id=room_id, kind=RoomKind.EXTERNAL).first()
    if room is None:
        raise NotFound
    return room


def named_room(room_id: UUID) -> Room:
    """A group or an external room, or a thread of one. Raises NotFound, also for a direct room."""
    named = Room.objects.exclude(kind=RoomKind.DIRECT)
    room = named.select_related("party").filter(id=room_id).first()
    if room is None:
        raise NotFound
    return room


def external_party(party_id: UUID) -> ExternalParty:
    """A party. Raises NotFound."""
    party = ExternalParty.objects.filter(id=party_id).first()
    if party is None:
        raise NotFound
    return party


def present_guests(room: Room) -> QuerySet[RoomMembership]:
    """The guests who are in the room, by name."""
    return (
        RoomMembership.objects.filter(
            room=room, ended_at=None, membership__kind=MembershipKind.GUEST
        )
        .select_related("membership")
        .order_by("membership__name")
    )
