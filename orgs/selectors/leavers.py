"""What hangs on a person who leaves."""

from uuid import UUID

from django.db.models import QuerySet

from orgs.models import Membership, MembershipStatus


def sponsored_guests(membership_id: UUID) -> QuerySet[Membership]:
    """The guests that this person answers for, by name."""
    guests = Membership.objects.filter(sponsor_id=membership_id)
    return guests.exclude(status=MembershipStatus.ENDED).order_by("name", "id")
