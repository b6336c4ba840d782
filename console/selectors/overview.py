"""What an organisation looks like just now, in a fixed number of statements."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q

from audit.logs import current_log
from audit.selectors.health import LogState, log_state
from audit.selectors.siem import in_trouble
from console.selectors.sparklines import Sparkline, sparkline_of
from invitations.models import Delivery, Invitation
from invitations.models.invitations import OPEN
from keys.models import Device, DeviceStatus, SignedPreKey
from keys.selectors.posture import deviating
from messaging.models import Room, RoomKind, RoomStatus
from messaging.selectors.traffic import messages_a_day
from orgs.models import Membership, MembershipKind, MembershipStatus
from orgs.selectors.leavers import sponsorless
from orgs.selectors.settings import managed_config
from semafore.kernel import clock

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
    siem_troubles: int
    """Destinations that don't get the events that they should."""

    members: int
    guests: int
    suspended: int
    devices: int
    seen_today: int
    low_stock: int
    deviating: int
    """Approved devices of active people that said that they aren't as they should be."""
    open_invitations: int
    rooms: int
    external_rooms: int
    messages: Sparkline
    """A day, for a fortnight."""
    log: LogState


def overview(*, waiting: int) -> Overview:
    """Read it all, but for the decisions that wait: the shell of the page has counted them."""
    people: Counter[tuple[str, str]] = Counter()
    sponsorless_guests = 0
    for kind, status, number, alone in (
        Membership.objects.exclude(status=MembershipStatus.ENDED)
        .values_list("kind", "status")
        .annotate(number=Count("id"), alone=Count("id", filter=sponsorless()))
    ):
        people[kind, status] = number
        sponsorless_guests += alone
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
    low = Q(key_bundle__available__lt=settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD)
    devices = approved.aggregate(
        all=Count("id"),
        seen=Count("id", filter=active & Q(last_seen_on=clock.now().date())),
        low=Count("id", filter=active & low),
        deviating=Count("id", filter=active & deviating(managed_config().settings)),
    )
    invitations = Invitation.objects.filter(state__in=OPEN).aggregate(
        open=Count("id"), failed=Count("id", filter=Q(delivery=Delivery.FAILED))
    )
    return Overview(
        waiting=waiting,
        expired_keys=SignedPreKey.objects.filter(
            superseded_at=None,
            uploaded_at__lte=clock.now() - settings.SPK_MAX_AGE,
            device__in=reachable,
        ).count(),
        failed_invitations=invitations["failed"],
        ending_rooms=ending_rooms,
        sponsorless_guests=sponsorless_guests,
        siem_troubles=in_trouble(),
        members=people[MembershipKind.MEMBER, MembershipStatus.ACTIVE],
        guests=people[MembershipKind.GUEST, MembershipStatus.ACTIVE],
        suspended=sum(
            number for (_, status), number in people.items() if status == MembershipStatus.SUSPENDED
        ),
        devices=devices["all"],
        seen_today=devices["seen"],
        low_stock=devices["low"],
        deviating=devices["deviating"],
        open_invitations=invitations["open"],
        rooms=sum(number for number, _ in rooms.values()),
        external_rooms=external_rooms,
        messages=sparkline_of(messages_a_day(FORTNIGHT)),
        log=log_state(current_log()),
    )
