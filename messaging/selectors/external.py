"""External rooms, their parties and guests, as pages of decisions name them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import QuerySet

from invitations.models import Invitation
from messaging.models import NamedGuest, Room, RoomKind, RoomMembership, RoomStatus
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


def rooms_ahead(membership_ids: Collection[UUID]) -> dict[UUID, Sequence[Room]]:
    """The open rooms that each of these guests comes into once their device is approved."""
    invitations = Invitation.objects.filter(membership_id__in=membership_ids)
    person_of: dict[UUID | None, UUID] = dict(invitations.values_list("id", "membership_id"))
    named = NamedGuest.objects.filter(
        invitation_id__in=person_of, request__room__status=RoomStatus.ACTIVE
    ).select_related("request__room")
    found: dict[UUID, dict[UUID, Room]] = defaultdict(dict)
    for one in named.order_by("request__room__name"):
        if one.request.room.open:
            found[person_of[one.invitation_id]][one.request.room_id] = one.request.room
    return {person_id: list(rooms.values()) for person_id, rooms in found.items()}
