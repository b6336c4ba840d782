"""Who is in a room: added, removed, gone by themselves, administrator or not.

A room's administrators do it from their devices. Owners and administrators of the organisation
remove and appoint at the console, in rooms that they aren't in too.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from messaging.errors import NotInParent, RoomIsDirect
from messaging.events.rooms import RoomRoleChanged
from messaging.models import Room, RoomKind, RoomMembership, RoomRole
from messaging.services.access import (
    active_members,
    changeable_room,
    check_open,
    locked_room,
    periods_in,
)
from messaging.services.ends import end_without_room
from messaging.services.periods import begin_periods, end_periods, room_ref, tell_room
from orgs.models import Membership, MembershipKind
from orgs.services.memberships import membership_ref
from semafore.kernel.actor import SYSTEM, acting_as, current_actor
from semafore.kernel.problems import Invalid, NotFound

REMOVED = "Removed from the room."
LEFT = "Left the room."
LEFT_PARENT = "No longer in the room that the thread belongs to."


@transaction.atomic
def add_members(*, room_id: UUID, membership_ids: Collection[UUID]) -> Room:
    """Put members of the organisation into a room; guests come by a request alone.

    Who is in it already stays as they are. Raises NotFound (also for guests and for who isn't
    active), NotAuthenticated, NotPermitted, RoomIsDirect, RoomClosed, NotInParent, RoomFull.
    """
    room, _ = changeable_room(room_id)
    people = active_members(membership_ids)
    check_in_parent(room.parent_id, people)
    begin_periods(room, people)
    return room


def check_in_parent(parent_id: UUID | None, people: Sequence[Membership]) -> None:
    """Raises NotInParent when somebody isn't in the room that a thread belongs to."""
    if parent_id is None:
        return
    present = set(periods_in(parent_id).values_list("membership_id", flat=True))
    missing = sorted(str(person.id) for person in people if person.id not in present)
    if missing:
        raise NotInParent(members=missing)


@transaction.atomic
def remove_member(*, room_id: UUID, membership_id: UUID, reason: str = "") -> None:
    """Take somebody out of a room and its threads.

    Raises NotFound, NotAuthenticated, NotPermitted, RoomIsDirect, RoomClosed.
    """
    room, _ = changeable_room(room_id, for_organisation=True)
    _end(room, membership_id, reason=reason or REMOVED)


@transaction.atomic
def leave_room(*, room_id: UUID) -> None:
    """The acting person leaves a room and its threads; the last administrator may too.

    Raises NotFound, NotAuthenticated, RoomIsDirect, RoomClosed.
    """
    room, me = locked_room(room_id)
    if room.kind == RoomKind.DIRECT:
        raise RoomIsDirect
    check_open(room)
    _end(room, me.id, reason=LEFT)


def _end(room: Room, membership_id: UUID, *, reason: str) -> None:
    """End somebody's time in the room and its threads; a guest's last room was its stay.

    Raises NotFound when they are not in it.
    """
    period = periods_in(room.id).filter(membership_id=membership_id).first()
    if period is None:
        raise NotFound
    end_periods([period], reason=reason)
    in_threads = RoomMembership.objects.filter(
        room__parent=room, membership_id=membership_id, ended_at=None
    )
    end_periods(list(in_threads.select_related("room", "membership")), reason=LEFT_PARENT)
    if period.membership.kind == MembershipKind.GUEST:
        # Nobody ends their own membership: where a guest leaves the last room, the server does.
        leaves = current_actor().membership_id == membership_id
        with acting_as(SYSTEM if leaves else current_actor()):
            end_without_room([period.membership], reason=reason)


@transaction.atomic
def appoint(*, room_id: UUID, membership_id: UUID, role: RoomRole) -> RoomMembership:
    """Make somebody in the room an administrator of it, or a plain member again.

    Raises NotFound, NotAuthenticated, NotPermitted, Invalid for a guest, RoomIsDirect, RoomClosed.
    """
    room, _ = changeable_room(room_id, for_organisation=True)
    period = periods_in(room_id).filter(membership_id=membership_id).first()
    if period is None:
        raise NotFound
    if period.membership.kind == MembershipKind.GUEST:
        raise Invalid(detail="A guest administers no room.")
    if period.role == role:
        return period
    before, period.role = period.role, role
    period.save(update_fields=["role"])
    record(
        RoomRoleChanged(before=before, after=role),
        target=membership_ref(period.membership),
        room=room_ref(room),
    )
    tell_room(room)
    return period
