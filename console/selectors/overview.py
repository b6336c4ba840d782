"""What an organisation looks like just now, in a fixed number of statements."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count

from console.selectors.approvals import waiting_decisions
from invitations.models import Delivery, Invitation
from invitations.models.invitations import OPEN
from keys.models import Device, DeviceStatus, KeyBundle, SignedPreKey
from orgs.models import Membership, MembershipKind, MembershipStatus
from semafore.kernel import clock


@dataclass(frozen=True, slots=True)
class Overview:
    """Numbers of the organisation in scope."""

    waiting: int
    """Decisions of all kinds."""
    expired_keys: int
    """Approved devices of active people that nobody can begin to talk to."""
    failed_invitations: int

    members: int
    guests: int
    suspended: int
    devices: int
    seen_today: int
    low_stock: int
    open_invitations: int


def overview() -> Overview:
    """Read it all."""
    people = {
        (kind, status): number
        for kind, status, number in Membership.objects.exclude(status=MembershipStatus.ENDED)
        .values_list("kind", "status")
        .annotate(number=Count("id"))
    }
    reachable = Device.objects.filter(
        status=DeviceStatus.APPROVED, membership__status=MembershipStatus.ACTIVE
    )
    return Overview(
        waiting=waiting_decisions(),
        expired_keys=SignedPreKey.objects.filter(
            superseded_at=None,
            uploaded_at__lte=clock.now() - settings.SPK_MAX_AGE,
            device__in=reachable,
        ).count(),
        failed_invitations=Invitation.objects.filter(
            state__in=OPEN, delivery=Delivery.FAILED
        ).count(),
        members=people.get((MembershipKind.MEMBER, MembershipStatus.ACTIVE), 0),
        guests=people.get((MembershipKind.GUEST, MembershipStatus.ACTIVE), 0),
        suspended=sum(
            number for (_, status), number in people.items() if status == MembershipStatus.SUSPENDED
        ),
        devices=Device.objects.filter(status=DeviceStatus.APPROVED).count(),
        seen_today=reachable.filter(last_seen_on=clock.now().date()).count(),
        low_stock=KeyBundle.objects.filter(
            available__lt=settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD, device__in=reachable
        ).count(),
        open_invitations=Invitation.objects.filter(state__in=OPEN).count(),
    )
