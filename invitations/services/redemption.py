"""Accepting an invitation that came by email: holding its link proves the address."""

from uuid import UUID

from django.db import IntegrityError, transaction

from invitations.errors import (
    AccountExists,
    AnotherAccount,
    InvitationRevoked,
    InvitationUnknown,
)
from invitations.events import invitations as events
from invitations.models import Invitation, State
from invitations.selectors.people import has_account
from invitations.services.progress import advance, locked_invitation
from invitations.services.terms import BY_EMAIL
from invitations.services.tokens import check_usable
from orgs.models import Account, Membership, MembershipStatus, Role, unlapsed
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def redeem_with_new_account(*, invitation_id: UUID, name: str, password: str) -> Membership:
    """An account with the invitation's address, and its membership, active at once.

    Raises AccountExists (sign in instead), NotFound, InvitationUnknown, InvitationExpired,
    InvitationUsed, InvitationRevoked, AlreadyMember.
    """
    invitation = _redeemable(invitation_id)
    if has_account(invitation.email):
        raise AccountExists
    try:
        account = create_account(email=invitation.email, password=password)
    except IntegrityError:
        # Another organisation's invitation was redeemed just now.
        raise AccountExists from None
    return _admit(invitation, account, name)


@transaction.atomic
def redeem_as(*, invitation_id: UUID, name: str, account: Account) -> Membership:
    """The membership of somebody signed in, active at once.

    Raises AnotherAccount (the invitation went to another address), and the others as above.
    """
    invitation = _redeemable(invitation_id)
    if account.email != invitation.email:
        raise AnotherAccount
    return _admit(invitation, account, name)


def _redeemable(invitation_id: UUID) -> Invitation:
    lock_organisation()
    invitation = locked_invitation(invitation_id)
    if invitation.purpose not in BY_EMAIL:
        raise InvitationUnknown
    check_usable(invitation)
    if invitation.issued_by_id is not None:
        _check_issuer(invitation.issued_by_id)
    return invitation


def _check_issuer(membership_id: UUID) -> None:
    """Nobody approves what was given, so it lasts no longer than who gave it. InvitationRevoked."""
    issuers = Membership.objects.filter(
        unlapsed(), id=membership_id, role=Role.OWNER, status=MembershipStatus.ACTIVE
    )
    if not issuers.exists():
        raise InvitationRevoked(
            detail="Whoever invited you may not do so any more. Ask for another invitation."
        )


def _admit(invitation: Invitation, account: Account, name: str) -> Membership:
    membership = admit_member(
        account=account,
        name=name,
        email=invitation.email,
        role=Role(invitation.role),
        unit=invitation.unit,
        status=MembershipStatus.ACTIVE,
        ends_at=invitation.membership_ends_at,
    )
    invitation.membership = membership
    invitation.save(update_fields=["membership"])
    advance(
        invitation,
        State.ACCEPTED,
        events.InvitationAccepted(purpose=invitation.purpose, membership_id=membership.id),
    )
    return membership
