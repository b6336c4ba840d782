"""What the person page and the leaver page gather from every app."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from invitations.models import Invitation
from invitations.models.invitations import OPEN
from keys.models import Device, DeviceStatus, RevocationReason
from keys.selectors.devices import devices_of
from messaging.models import RoomMembership
from messaging.selectors.room_list import titles_of
from messaging.selectors.roster import administered
from orgs.models import Membership, MembershipChange, MembershipStatus
from orgs.selectors.leavers import sponsored_guests
from orgs.selectors.members import changes_of
from semafore.kernel.problems import NotFound


def invitations_of(membership_id: UUID) -> QuerySet[Invitation]:
    """What brought the person here, and what brought further devices; newest first."""
    return Invitation.objects.filter(membership_id=membership_id).order_by("-issued_at", "id")


def titled(periods: Iterable[RoomMembership]) -> list[tuple[RoomMembership, str]]:
    """Periods in rooms with what the console calls the rooms."""
    found = list(periods)
    titles = titles_of([period.room for period in found])
    return [(period, titles[period.room_id]) for period in found]


@dataclass(frozen=True, slots=True)
class Handover:
    """What somebody else must take over when this person leaves."""

    guests: Sequence[Membership]
    invitations: Sequence[Invitation]
    """Open, issued or sponsored by the person."""
    devices: Sequence[Device]
    """The person's own, still waiting for approval: they go with the person."""
    rooms: Sequence[tuple[RoomMembership, str]]
    """Open rooms that the person administers."""

    @property
    def empty(self) -> bool:
        """Nothing is left to hand over."""
        return not (self.guests or self.invitations or self.devices or self.rooms)


def handover(membership_id: UUID) -> Handover:
    """What hangs on the person just now."""
    by_them = Q(issued_by_id=membership_id) | Q(sponsor_id=membership_id)
    invitations = Invitation.objects.filter(by_them, state__in=OPEN).order_by("-issued_at", "id")
    pending = devices_of(membership_id).filter(status=DeviceStatus.PENDING)
    return Handover(
        guests=list(sponsored_guests(membership_id)),
        invitations=list(invitations),
        devices=list(pending),
        rooms=titled(administered(membership_id)),
    )


@dataclass(frozen=True, slots=True)
class LeaverRecord:
    """What was ended with a membership, and when."""

    end: MembershipChange
    devices: Sequence[Device]
    handover: Handover


def leaver_record(membership_id: UUID) -> LeaverRecord:
    """The record of an end. Raises NotFound for a membership that hasn't ended."""
    end = changes_of(membership_id).filter(status=MembershipStatus.ENDED).first()
    if end is None:
        raise NotFound
    revoked = devices_of(membership_id).filter(revocation_reason=RevocationReason.DEPARTURE)
    return LeaverRecord(end=end, devices=list(revoked), handover=handover(membership_id))
