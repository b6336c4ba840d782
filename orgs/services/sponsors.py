"""Who answers for a guest."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from audit.services.recording import Fact, record_many
from orgs.errors import SponsorInvalid
from orgs.events.people import GuestSponsorChanged
from orgs.models import Membership, MembershipKind
from orgs.selectors.members import present_members
from orgs.services.memberships import OPEN, membership_ref
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def take_over_guests(*, membership_ids: Collection[UUID], sponsor_id: UUID) -> list[Membership]:
    """Give guests another sponsor, all or none; those who have this one already stay as they are.

    Raises NotFound (one of them is no guest, or has left), SponsorInvalid.
    """
    wanted = set(membership_ids)
    guests = Membership.objects.filter(
        id__in=wanted, kind=MembershipKind.GUEST, status__in=OPEN
    ).order_by("name", "id")
    if guests.count() < len(wanted):
        raise NotFound
    lock_organisation()
    sponsor = present_members().filter(id=sponsor_id).first()
    if sponsor is None:
        raise SponsorInvalid
    changed = [guest for guest in guests if guest.sponsor_id != sponsor.id]
    facts = [
        Fact(
            GuestSponsorChanged(before=guest.sponsor_id, after=sponsor.id),
            target=membership_ref(guest),
            subject=membership_ref(sponsor),
        )
        for guest in changed
    ]
    for guest in changed:
        guest.sponsor = sponsor
    Membership.objects.bulk_update(changed, ["sponsor"])
    record_many(facts)
    return changed
