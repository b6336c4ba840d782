"""After a restore: what was begun with an invitation begins anew."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from invitations.events import invitations as events
from invitations.models import LinkToken, Onboarding, PhoneProof
from invitations.services.progress import invitation_ref, locked_invitation
from semafore.kernel import clock


@dataclass(frozen=True, slots=True)
class VoidedOnboardings:
    """How many of each."""

    link_tokens: int
    onboardings: int


@transaction.atomic
def void_onboardings() -> VoidedOnboardings:
    """End link tokens, codes on their way and the sessions of onboardings.

    A device that waits for approval asks for its token, which says what became of it; one that has
    not registered yet opens its invitation again.
    """
    now = clock.now()
    PhoneProof.objects.filter(code_hash__isnull=False).update(code_hash=None, code_made_at=None)
    onboardings = Onboarding.objects.filter(session_hash__isnull=False)
    onboardings.filter(device=None, expires_at__gt=now).update(expires_at=now)
    return VoidedOnboardings(
        link_tokens=LinkToken.objects.filter(expires_at__gt=now).update(expires_at=now),
        onboardings=onboardings.update(session_hash=None),
    )


@transaction.atomic
def kill_links(*, invitation_id: UUID, issue_number: int) -> bool:
    """Let no link of an invitation open it that is older than this one; whether one did.

    The new link was given to the person already: nothing is sent. Raises NotFound.
    """
    invitation = locked_invitation(invitation_id)
    if invitation.issue_number >= issue_number:
        return False
    invitation.issue_number = issue_number
    invitation.save(update_fields=["issue_number"])
    renewed = events.InvitationLinkRenewed(issue_number=issue_number)
    record(renewed, target=invitation_ref(invitation))
    return True
