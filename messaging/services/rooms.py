"""Direct and group rooms: made, changed, closed."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from messaging.errors import RoomClosed
from messaging.events.rooms import RoomCreated, RoomRenamed
from messaging.models import Room, RoomKind, RoomRole
from messaging.selectors.reach import rooms_of
from messaging.services.access import (
    acting_member,
    active_members,
    changeable_room,
    check_open,
    periods_in,
)
from messaging.services.members import appoint, check_in_parent
from messaging.services.periods import begin_periods, room_ref, tell_room
from orgs.models import Membership, MembershipKind
from semafore.kernel.problems import Invalid, NotFound, NotPermitted
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def create_direct(*, other_id: UUID) -> Room:
    """The room of the acting person and another member: the one that there is, or a new one.

    Raises NotFound (also for guests and for who isn't active), Invalid for oneself, NotPermitted
    for a guest, NotAuthenticated, RoomClosed when the organisation closed it.
    """
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    me = _creator()
    if other_id == me.id:
        raise Invalid(detail="A direct room has two people.")
    active_members([other_id])
    pair = ":".join(sorted((str(me.id), str(other_id))))
    room = _direct(pair)
    if room is not None:
        return room
    lock_organisation()
    people = [_creator(), *active_members([other_id])]
    room = _direct(pair)
    if room is not None:
        return room
    room = Room.objects.create(
        organisation_id=me.organisation_id, kind=RoomKind.DIRECT, pair=pair, created_by=me
    )
    record(RoomCreated(kind=room.kind, parent_id=None), room=room_ref(room))
    begin_periods(room, people)
    return room


def _direct(pair: str) -> Room | None:
    room = Room.objects.filter(pair=pair).first()
    if room is not None and not room.open:
        raise RoomClosed
    return room


@transaction.atomic
def create_group(*, name: str, member_ids: Collection[UUID], parent_id: UUID | None = None) -> Room:
    """A group room, or with a parent a thread of a group room; the acting person administers it.

    Raises NotFound (also for guests, for who isn't active, and for a parent that the person isn't
    in), NotPermitted for a guest, NotAuthenticated, Invalid for a thread of what has none,
    RoomClosed, NotInParent, RoomFull.
    """
    me = _creator()
    active_members(member_ids)
    _parent(me, parent_id)
    lock_organisation()
    me = _creator()
    people = active_members(member_ids)
    parent = _parent(me, parent_id)
    check_in_parent(parent_id, people)
    room = Room.objects.create(
        organisation_id=me.organisation_id,
        kind=RoomKind.GROUP,
        name=_in_a_line(name),
        parent=parent,
        created_by=me,
    )
    record(RoomCreated(kind=room.kind, parent_id=parent_id), room=room_ref(room))
    begin_periods(room, [me], role=RoomRole.ADMINISTRATOR)
    begin_periods(room, people)
    return room


def _in_a_line(name: str) -> str:
    """The name in single spaces: it stands in mails that the server writes."""
    return " ".join(name.split())


def _creator() -> Membership:
    """The acting person, who may make rooms. Raises NotAuthenticated, NotPermitted for a guest."""
    me = acting_member()
    if me.kind == MembershipKind.GUEST:
        raise NotPermitted
    return me


def _parent(me: Membership, parent_id: UUID | None) -> Room | None:
    """The room that a thread is to belong to. Raises NotFound, Invalid, RoomClosed."""
    if parent_id is None:
        return None
    parent = rooms_of(me.id).filter(id=parent_id).first()
    if parent is None:
        raise NotFound
    if parent.kind != RoomKind.GROUP or parent.parent_id is not None:
        raise Invalid(detail="Only a group room that is no thread itself has threads.")
    check_open(parent)
    return parent


@transaction.atomic
def change_room(
    *, room_id: UUID, name: str | None = None, administrators: Collection[UUID] | None = None
) -> Room:
    """Name and administrators at once; None leaves as it is.

    Raises NotFound, also for an administrator who isn't in the room, and what `rename_room` and
    `appoint` raise.
    """
    room, me = changeable_room(room_id)
    if name is not None:
        room = rename_room(room_id=room_id, name=name)
    if administrators is not None:
        roles = dict(periods_in(room_id).values_list("membership_id", "role"))
        wanted = set(administrators)
        # Who acts may be among those who step down, and so comes last.
        for membership_id in sorted(roles.keys() | wanted, key=lambda one: (one == me.id, one)):
            role = RoomRole.ADMINISTRATOR if membership_id in wanted else RoomRole.MEMBER
            if roles.get(membership_id) != role:
                appoint(room_id=room_id, membership_id=membership_id, role=role)
    return room


@transaction.atomic
def rename_room(*, room_id: UUID, name: str) -> Room:
    """Give a room another name.

    Raises NotFound, NotAuthenticated, NotPermitted, RoomIsDirect, RoomClosed.
    """
    room, _ = changeable_room(room_id)
    name = _in_a_line(name)
    if room.name == name:
        return room
    before, room.name = room.name, name
    room.save(update_fields=["name"])
    record(RoomRenamed(before=before, after=name), room=room_ref(room))
    tell_room(room)
    return room
