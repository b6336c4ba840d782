"""Who may ask for, decide and end what, in and about rooms: read from the rows as they stand."""

from uuid import UUID

from messaging.models import Room, RoomMembership, RoomRole
from orgs.models import Membership
from orgs.roles import permissions_of
from orgs.selectors.members import present_members
from semafore.kernel.actor import ActorKind, current_actor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import lock_organisation


def acting_member() -> Membership:
    """The acting person, who is an active member. Raises NotPermitted."""
    acting_id = current_actor().membership_id
    member = present_members().filter(id=acting_id).first() if acting_id else None
    if member is None:
        raise NotPermitted(detail="Only an active member of the organisation may do this.")
    return member


def has(member: Membership, permission: Permission) -> bool:
    """Whether the acting member's role allows it, at the console, where a second factor let in.

    From a device, an owner is a person like others.
    """
    at_console = current_actor().kind is ActorKind.MEMBER
    return at_console and permission in permissions_of(member.kind, member.role)


def acting_manager() -> Membership:
    """The acting person, who manages rooms: an owner or an admin. Raises NotPermitted."""
    member = acting_member()
    if not has(member, Permission.ROOMS_MANAGE):
        raise NotPermitted
    return member


def managed_room(room_id: UUID) -> tuple[Room, Membership]:
    """The room, the organisation locked, and the acting person, who administers it.

    As one of its administrators, or as one who manages all rooms. Raises NotFound (also for a room
    that they may not know of), NotPermitted.
    """
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    _managed(room_id)
    lock_organisation()
    return _managed(room_id)


def _managed(room_id: UUID) -> tuple[Room, Membership]:
    member = acting_member()
    room = Room.objects.select_related("party", "parent").filter(id=room_id).first()
    if room is None:
        raise NotFound
    if has(member, Permission.ROOMS_MANAGE):
        return room, member
    own = RoomMembership.objects.filter(room=room, membership=member, ended_at=None).first()
    if own is None:
        raise NotFound
    if own.role != RoomRole.ADMINISTRATOR:
        raise NotPermitted(detail="Only an administrator of the room may do this.")
    return room, member
