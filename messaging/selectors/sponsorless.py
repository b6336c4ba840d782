"""Guests for whom nobody answers."""

from django.db.models import Q, QuerySet

from orgs.models import Membership, MembershipKind, MembershipStatus
from semafore.kernel import clock


def guests_without_sponsor() -> QuerySet[Membership]:
    """Guests who may still come in, and whose sponsor is suspended, ended, or past their end."""
    gone = ~Q(sponsor__status=MembershipStatus.ACTIVE) | Q(sponsor__ends_at__lte=clock.now())
    live = Membership.objects.filter(kind=MembershipKind.GUEST).exclude(
        status=MembershipStatus.ENDED
    )
    return live.filter(gone).select_related("sponsor", "party")
