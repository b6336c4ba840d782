"""What an organisation looks like just now, in a fixed number of statements."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q

from audit.logs import current_log
from audit.selectors.health import LogState, log_state
from console.selectors.approvals import waiting_decisions
from console.selectors.sparklines import Sparkline, sparkline_of
from invitations.models import Delivery, Invitation
from invitations.models.invitations import OPEN
from keys.models import Device, DeviceStatus, KeyBundle, SignedPreKey
from messaging.models import Room, RoomKind, RoomStatus
from messaging.selectors.traffic import messages_a_day
from orgs.models import Membership, MembershipKind, MembershipStatus
from orgs.selectors.leavers import guests_without_sponsor
from semafore.kernel import clock
from semafore.kernel.permissions import Permission

SOON = 7
"""So many days ahead the end of an external room wants a decision."""
FORTNIGHT = 14


@dataclass(frozen=True, slots=True)
class Overview:
    """Numbers of the organisation in scope."""

    waiting: int
    """Decisions of all kinds."""
    expired_keys: int
    """Approved devices of active people that nobody can begin to talk to."""
    failed_invitations: int
    ending_rooms: int
    """External rooms whose end is near."""
    sponsorless_guests: int

    members: int
    guests: int
    suspended: int
    devices: int
    seen_today: int
    low_stock: int
    open_invitations: int
    rooms: int
    external_rooms: int
    messages: Sparkline
    """A day, for a fortnight."""
    log: LogState


def overview(permissions: frozenset[Permission]) -> Overview:
    """Read it all; of decisions, those that these permissions see."""
    people = {
        (kind, status): number
        for kind, status, number in Membership.objects.exclude(status=MembershipStatus.ENDED)
        .values_list("kind", "status")
        .annotate(number=Count("id"))
    }
    soon = Q(closes_at__lte=clock.now() + timedelta(days=SOON))
    rooms = {
        kind: (number, ending)
        for kind, number, ending in Room.objects.filter(status=RoomStatus.ACTIVE)
        .values_list("kind")
        .annotate(number=Count("id"), ending=Count("id", filter=soon))
    }
    external_rooms, ending_rooms = rooms.get(RoomKind.EXTERNAL, (0, 0))
    active = Q(membership__status=MembershipStatus.ACTIVE)
    approved = Device.objects.filter(status=DeviceStatus.APPROVED)
    reachable = approved.filter(active)
    devices = approved.aggregate(
        all=Count("id"), seen=Count("id", filter=active & Q(last_seen_on=clock.now().date()))
    )
    invitations = Invitation.objects.filter(state__in=OPEN).aggregate(
        open=Count("id"), failed=Count("id", filter=Q(delivery=Delivery.FAILED))
    )
    return Overview(
        waiting=waiting_decisions(permissions),
        expired_keys=SignedPreKey.objects.filter(
            superseded_at=None,
            uploaded_at__lte=clock.now() - settings.SPK_MAX_AGE,
            device__in=reachable,
        ).count(),
        failed_invitations=invitations["failed"],
        ending_rooms=ending_rooms,
        sponsorless_guests=guests_without_sponsor().count(),
        members=people.get((MembershipKind.MEMBER, MembershipStatus.ACTIVE), 0),
        guests=people.get((MembershipKind.GUEST, MembershipStatus.ACTIVE), 0),
        suspended=sum(
            number for (_, status), number in people.items() if status == MembershipStatus.SUSPENDED
        ),
        devices=devices["all"],
        seen_today=devices["seen"],
        low_stock=KeyBundle.objects.filter(
            available__lt=settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD, device__in=reachable
        ).count(),
        open_invitations=invitations["open"],
        rooms=sum(number for number, _ in rooms.values()),
        external_rooms=external_rooms,
        messages=sparkline_of(messages_a_day(FORTNIGHT)),
        log=log_state(current_log()),
    )
