"""Who acts on which room, as both are once the organisation is locked."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from keys.models import Device, DeviceStatus
from messaging.errors import RoomClosed, RoomIsDirect
from messaging.models import Room, RoomKind, RoomMembership, RoomRole
from messaging.selectors.reach import rooms_of
from orgs.models import Membership, MembershipKind, MembershipStatus, unlapsed
from orgs.roles import permissions_of
from semafore.kernel.actor import ActorKind, current_actor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotAuthenticated, NotFound, NotPermitted
from semafore.kernel.tenancy import lock_organisation


def acting_member() -> Membership:
    """The acting person. Raises NotAuthenticated when they or their device were shut out."""
    actor = current_actor()
    active = Membership.objects.filter(unlapsed(), status=MembershipStatus.ACTIVE)
    if actor.kind is ActorKind.DEVICE:
        approved = Device.objects.filter(id__exact=actor.id, status=DeviceStatus.APPROVED)
        active = active.filter(id__in=approved.values("membership_id"))
    member = active.filter(id__exact=actor.membership_id).first()
    if member is None:
        raise NotAuthenticated
    return member


def acting_host() -> Membership:
    """The same for what guests may not do. Raises NotAuthenticated, NotPermitted."""
    member = acting_member()
    if member.kind == MembershipKind.GUEST:
        raise NotPermitted
    return member


def acting_manager() -> Membership:
    """The same for who manages the organisation's rooms. Raises NotAuthenticated, NotPermitted."""
    member = acting_member()
    if not manages_rooms(member):
        raise NotPermitted
    return member


def may_at_console(member: Membership, permission: Permission) -> bool:
    """Whether the acting member's role allows it, at the console, where a second factor let in.

    From a device, an owner is a person like others.
    """
    at_console = current_actor().kind is ActorKind.MEMBER
    return at_console and permission in permissions_of(member.kind, member.role)


def manages_rooms(member: Membership) -> bool:
    """Whether the person acts for the organisation in all its rooms."""
    return may_at_console(member, Permission.ROOMS_MANAGE)


def active_members(membership_ids: Collection[UUID]) -> list[Membership]:
    """These members of the organisation. Raises NotFound for guests and for who isn't active."""
    wanted = set(membership_ids)
    people = Membership.objects.filter(
        unlapsed(), id__in=wanted, kind=MembershipKind.MEMBER, status=MembershipStatus.ACTIVE
    )
    found = list(people)
    if len(found) < len(wanted):
        raise NotFound
    return found


def locked_room(room_id: UUID) -> tuple[Room, Membership]:
    """The room, and the acting person, who may know of it; the organisation is locked.

    Raises NotFound, NotAuthenticated.
    """
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    if not _within_sight(acting_member()).filter(id=room_id).exists():
        raise NotFound
    lock_organisation()
    me = acting_member()
    room = _within_sight(me).filter(id=room_id).first()
    if room is None:
        raise NotFound
    return room, me


def _within_sight(member: Membership) -> QuerySet[Room]:
    return Room.objects.all() if manages_rooms(member) else rooms_of(member.id)


def changeable_room(room_id: UUID, *, for_organisation: bool = False) -> tuple[Room, Membership]:
    """The same, where the person administers the room and its people may change.

    `for_organisation`: who manages the organisation's rooms may do it too. Raises NotFound,
    NotAuthenticated, NotPermitted, RoomIsDirect, RoomClosed.
    """
    room, me = locked_room(room_id)
    if not (for_organisation and manages_rooms(me)):
        own = periods_in(room_id).filter(membership=me, role=RoomRole.ADMINISTRATOR)
        if not own.exists():
            raise NotPermitted
    if room.kind == RoomKind.DIRECT:
        raise RoomIsDirect
    check_open(room)
    return room, me


def managed_room(room_id: UUID) -> tuple[Room, Membership]:
    """The same for a room of any kind and status, with its party and the room above it.

    Raises NotFound, NotAuthenticated, NotPermitted.
    """
    room, me = locked_room(room_id)
    if not manages_rooms(me):
        own = periods_in(room_id).filter(membership=me, role=RoomRole.ADMINISTRATOR)
        if not own.exists():
            raise NotPermitted(detail="Only an administrator of the room may do this.")
    return Room.objects.select_related("party", "parent").get(id=room.id), me


def check_open(room: Room) -> None:
    """Raises RoomClosed."""
    if not room.open:
        raise RoomClosed


def periods_in(room_id: UUID) -> QuerySet[RoomMembership]:
    """Who is in the room now, with room and person."""
    return RoomMembership.objects.filter(room_id=room_id, ended_at=None).select_related(
        "room", "membership"
    )
