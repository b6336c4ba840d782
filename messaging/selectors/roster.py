"""Who is and was in a room, and in which rooms a person is and was."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from keys.selectors.health import approved_devices
from messaging.models import RequestStatus, Room, RoomMembership, RoomRequest, RoomRole
from orgs.models import MembershipKind

SHOWN = 50
"""Of each list on a page about something else; the whole has a page of its own."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody's period in a room, with how many approved devices read along."""

    period: RoomMembership
    devices: int


@dataclass(frozen=True, slots=True)
class Side:
    """The organisation's people, or the party's guests: the first of them by name."""

    present: Sequence[Presence]
    more: bool


@dataclass(frozen=True, slots=True)
class Roster:
    """Both sides, and those who left last."""

    members: Side
    guests: Side
    former: Side


def periods(room_id: UUID, *, former: bool, kind: str = "") -> QuerySet[RoomMembership]:
    """Open or ended periods of a room, with everybody whom they name."""
    named = ("membership__party", "membership__sponsor", "added_by", "ended_by")
    found = RoomMembership.objects.select_related("membership", *named).filter(
        room_id=room_id, ended_at__isnull=not former
    )
    return found.filter(membership__kind=kind) if kind else found


def roster(room_id: UUID) -> Roster:
    """Who is in the room and who was, in four statements."""
    open_ones = periods(room_id, former=False).order_by("membership__name", "id")
    sides = [
        list(found[: SHOWN + 1])
        for found in (
            open_ones.filter(membership__kind=MembershipKind.MEMBER),
            open_ones.filter(membership__kind=MembershipKind.GUEST),
            periods(room_id, former=True).order_by("-ended_at", "-id"),
        )
    ]
    devices = approved_devices([period.membership_id for side in sides for period in side])
    members, guests, former = (
        Side(_with_devices(side[:SHOWN], devices), more=len(side) > SHOWN) for side in sides
    )
    return Roster(members=members, guests=guests, former=former)


def presences(of: Sequence[RoomMembership]) -> list[Presence]:
    """The periods in the same order, with devices, in one statement."""
    return _with_devices(of, approved_devices([period.membership_id for period in of]))


def _with_devices(of: Sequence[RoomMembership], devices: dict[UUID, int]) -> list[Presence]:
    return [Presence(period, devices.get(period.membership_id, 0)) for period in of]


def threads_of(room_id: UUID) -> QuerySet[Room]:
    """The threads of a room, newest first."""
    return Room.objects.filter(parent_id=room_id).order_by("-created_at", "-id")


def pending_requests(room_id: UUID) -> QuerySet[RoomRequest]:
    """What waits for a decision about a room, with whom it names and who approved so far."""
    return (
        RoomRequest.objects.filter(room_id=room_id, status=RequestStatus.PENDING)
        .select_related("room__party", "requested_by")
        .prefetch_related("guests", "decisions__by")
        .order_by("requested_at", "id")
    )


def rooms_of(membership_id: UUID, *, former: bool) -> QuerySet[RoomMembership]:
    """A person's open or ended periods with their rooms, the latest first."""
    found = RoomMembership.objects.select_related("room__party", "added_by", "ended_by").filter(
        membership_id=membership_id, ended_at__isnull=not former
    )
    return found.order_by("-ended_at" if former else "-added_at", "-id")


def administered(membership_id: UUID) -> QuerySet[RoomMembership]:
    """The open rooms that the person administers."""
    found = rooms_of(membership_id, former=False)
    return found.filter(role=RoomRole.ADMINISTRATOR)
