"""What hangs on a person who leaves."""

from uuid import UUID

from django.db.models import Q, QuerySet

from orgs.models import Membership, MembershipKind, MembershipStatus, unlapsed


def sponsored_guests(membership_id: UUID) -> QuerySet[Membership]:
    """The guests that this person answers for, by name."""
    guests = Membership.objects.filter(sponsor_id=membership_id)
    return guests.exclude(status=MembershipStatus.ENDED).order_by("name", "id")


def sponsorless() -> Q:
    """Guests for whom nobody answers, of memberships that haven't ended."""
    answering = Q(sponsor__status=MembershipStatus.ACTIVE) & unlapsed("sponsor__")
    return Q(kind=MembershipKind.GUEST) & ~answering


def guests_without_sponsor() -> QuerySet[Membership]:
    """Guests for whom nobody answers: their sponsor is suspended or has left. By name."""
    guests = Membership.objects.exclude(status=MembershipStatus.ENDED).filter(sponsorless())
    return guests.select_related("party", "sponsor").order_by("name", "id")
