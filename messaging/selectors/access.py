"""What an external party's people see of the organisation, and saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from invitations.models import Invitation, Purpose
from invitations.services.stays import NOT_YET_COME
from messaging.models import Delivery, Outcome, Room, RoomMembership, RoomStatus
from orgs.models import Membership
from orgs.services.memberships import OPEN

SHOWN = 200
"""Periods on a page."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What a cut-off ends: by name."""

    guests: Sequence[Membership]
    rooms: Sequence[Room]
    invitations: Sequence[Invitation]

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.guests or self.rooms or self.invitations)


@dataclass(frozen=True, slots=True)
class Access:
    """A guest's time in a room."""

    period: RoomMembership
    messages: int | None
    """Delivered to the guest's devices in this room at any time; None where that isn't told."""


def open_to(party_id: UUID) -> Shared:
    """What is shared with the party just now."""
    return Shared(
        guests=list(
            Membership.objects.filter(party_id=party_id, status__in=OPEN).order_by("name", "id")
        ),
        rooms=list(
            Room.objects.filter(
                party_id=party_id, status__in=(RoomStatus.ACTIVE, RoomStatus.REQUESTED)
            ).order_by("name", "id")
        ),
        invitations=list(
            Invitation.objects.filter(
                party_id=party_id, purpose=Purpose.GUEST, state__in=NOT_YET_COME
            ).order_by("name", "id")
        ),
    )


def access_of(party_id: UUID, *, traffic: bool) -> list[Access]:
    """The periods of the party's people in rooms, those that go on and the latest first.

    `traffic`: with how many messages reached them, as far as that is still known. One more than
    is shown, at most.
    """
    periods = list(
        RoomMembership.objects.select_related("room", "membership")
        .filter(membership__party_id=party_id)
        .order_by("-ended_at", "-added_at", "-id")[: SHOWN + 1]
    )
    counts: dict[tuple[UUID, UUID], int] = {}
    if traffic:
        delivered = Delivery.objects.filter(
            device__membership__in={period.membership_id for period in periods},
            message__room__in={period.room_id for period in periods},
            outcome=Outcome.DELIVERED,
        )
        counts = {
            (person, room): number
            for person, room, number in delivered.values_list(
                "device__membership", "message__room"
            ).annotate(number=Count("message", distinct=True))
        }
    return [
        Access(
            period,
            counts.get((period.membership_id, period.room_id), 0) if traffic else None,
        )
        for period in periods
    ]
