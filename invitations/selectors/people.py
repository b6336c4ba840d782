"""Reads of the people that invitations name."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from invitations.models import Purpose
from orgs.errors import PhoneInvalid
from orgs.models import Account, Membership, MembershipKind, MembershipStatus
from orgs.services.accounts import normalise_phone
from orgs.services.memberships import OPEN as OPEN_PERIODS

ADMITTING = (Purpose.MEMBER, Purpose.GUEST, Purpose.CONSOLE, Purpose.FOUNDING)
"""Purposes that begin a membership; the other one is for somebody who has one."""


def active_members() -> QuerySet[Membership]:
    """Who may sponsor a guest, or get a replacement device."""
    return Membership.objects.filter(kind=MembershipKind.MEMBER, status=MembershipStatus.ACTIVE)


def find_member(contact: str) -> Membership | None:
    """The active member with this phone number or email, as this organisation knows them."""
    if "@" in contact:
        return active_members().filter(email__iexact=contact).first()
    try:
        return active_members().filter(phone=normalise_phone(contact)).first()
    except PhoneInvalid:
        return None


def open_periods(*, phones: Collection[str], emails: Collection[str]) -> QuerySet[Membership]:
    """Memberships that are open under these phones or emails: what this organisation knows alone.

    Accounts are not asked: who invites must not learn, nor time, what a person is elsewhere.
    """
    return Membership.objects.filter(
        Q(phone__in=set(phones)) | Q(email__in=set(emails)), status__in=OPEN_PERIODS
    )


def has_account(email: str) -> bool:
    """Whether this address signs in already: for its reader alone, who holds the mailed link."""
    return Account.objects.filter(email=email).exists()
