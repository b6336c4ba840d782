"""What becomes of an issued invitation: sent again, a new link, more time, or an end."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from invitations.errors import InvitationTerms, InvitationTransition
from invitations.events import invitations as events
from invitations.models import Channel, Invitation, State
from invitations.services.delivery import queue
from invitations.services.issuing import check_vacant
from invitations.services.progress import UNDECIDED, advance, invitation_ref, locked_invitation
from invitations.services.terms import LEAST_VALID_DAYS, MOST_VALID_DAYS, check_roles
from invitations.services.tokens import check_usable
from semafore.kernel import clock
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def resend(*, invitation_id: UUID) -> Invitation:
    """Send the same link once more.

    Raises NotFound, InvitationTransition (given by hand), InvitationExpired, InvitationUsed,
    InvitationRevoked.
    """
    invitation = locked_invitation(invitation_id)
    check_usable(invitation)
    if invitation.channel == Channel.HAND:
        raise InvitationTransition(detail="This invitation is given by hand: it isn't sent.")
    record(events.InvitationResent(channel=invitation.channel), target=invitation_ref(invitation))
    queue([invitation])
    return invitation


@transaction.atomic
def new_link(*, invitation_id: UUID) -> Invitation:
    """A new link in place of the old one, which is dead with what was begun through it.

    Raises NotFound, NotPermitted, InvitationExpired, InvitationUsed, InvitationRevoked.
    """
    invitation = locked_invitation(invitation_id)
    check_roles({invitation.role})
    check_usable(invitation)
    invitation.issue_number += 1
    invitation.save(update_fields=["issue_number"])
    renewed = events.InvitationLinkRenewed(issue_number=invitation.issue_number)
    if invitation.state == State.ISSUED:
        record(renewed, target=invitation_ref(invitation))
    else:
        advance(invitation, State.ISSUED, renewed)
    queue([invitation])
    return invitation


@transaction.atomic
def extend(*, invitation_id: UUID, valid_days: int) -> Invitation:
    """Valid for so many days from now, also when it has expired; the link stays.

    Raises NotFound, NotPermitted, InvitationTerms, InvitationTransition, AlreadyMember,
    InvitationOpen (the person was invited again meanwhile).
    """
    if not LEAST_VALID_DAYS <= valid_days <= MOST_VALID_DAYS:
        raise InvitationTerms(
            detail=f"An invitation is valid for {LEAST_VALID_DAYS} to {MOST_VALID_DAYS} days."
        )
    lock_organisation()
    invitation = locked_invitation(invitation_id)
    check_roles({invitation.role})
    if not invitation.name:
        raise InvitationTransition(detail="Whom it invited has been forgotten: issue a new one.")
    if invitation.membership_ends_at and invitation.membership_ends_at <= clock.now():
        raise InvitationTerms(detail="The end of the membership has passed: issue a new one.")
    before, after = invitation.expires_at, clock.now() + timedelta(days=valid_days)
    extended = events.InvitationExtended(before=before, after=after)
    if invitation.state in UNDECIDED:
        record(extended, target=invitation_ref(invitation))
    else:
        if invitation.state == State.EXPIRED:
            check_vacant([invitation])
        advance(invitation, State.ISSUED, extended)
    invitation.expires_at = after
    invitation.save(update_fields=["expires_at"])
    return invitation


@transaction.atomic
def revoke(*, invitation_id: UUID, reason: str) -> Invitation:
    """Withdraw it: its link is dead at once. Raises NotFound, InvitationTransition.

    Whose device waits for approval is denied there: the person sees that reason.
    """
    invitation = locked_invitation(invitation_id)
    if invitation.state == State.AWAITING_APPROVAL:
        raise InvitationTransition(detail="A device waits for approval: deny it there instead.")
    advance(invitation, State.REVOKED, events.InvitationRevoked(reason=reason), reason=reason)
    return invitation


@transaction.atomic
def decline(*, invitation_id: UUID, reason: str = "") -> Invitation:
    """The holder of the link doesn't want it.

    Raises NotFound, InvitationExpired, InvitationUsed, InvitationRevoked.
    """
    invitation = locked_invitation(invitation_id)
    check_usable(invitation)
    advance(invitation, State.DECLINED, events.InvitationDeclined(reason=reason), reason=reason)
    return invitation


@transaction.atomic
def expire() -> int:
    """Mark a batch of those whose time is over; they were refused from the time itself."""
    lapsed = list(
        Invitation.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(state__in=UNDECIDED, expires_at__lte=clock.now())
        .order_by("expires_at")[:BATCH]
    )
    for invitation in lapsed:
        advance(invitation, State.EXPIRED, events.InvitationExpired())
    return len(lapsed)
