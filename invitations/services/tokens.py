"""The token of an invitation: derived from its id and issue number, stored nowhere."""

import base64
import binascii
import hmac
from uuid import UUID

from django.conf import settings

from invitations.errors import (
    InvitationExpired,
    InvitationRevoked,
    InvitationUnknown,
    InvitationUsed,
)
from invitations.models import Invitation, State
from semafore.kernel import clock
from semafore.kernel.sealing import keyed_hash
from semafore.kernel.tenancy import locate

MAC_LENGTH = 16


def invitation_token(invitation: Invitation) -> str:
    """43 characters: base64url of the id (16 bytes) and HMAC(key, id ‖ issue number) (16 bytes)."""
    token = invitation.id.bytes + _mac(invitation.id, invitation.issue_number)
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def invitation_link(invitation: Invitation) -> str:
    """The address that opens it; the token stands in the fragment, which no log sees."""
    return f"{settings.BASE_URL}/i/#{invitation_token(invitation)}"


def _mac(invitation_id: UUID, issue_number: int) -> bytes:
    message = invitation_id.bytes + issue_number.to_bytes(4, "big")
    return keyed_hash("invitation", message)[:MAC_LENGTH]


def find_invitation(token: str) -> Invitation:
    """The invitation of a token, whatever its state, to learn its organisation from.

    Raises InvitationUnknown, also for a link that a newer one has replaced.
    """
    try:
        decoded = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvitationUnknown from None
    if len(decoded) != 16 + MAC_LENGTH:
        raise InvitationUnknown
    invitation_id = UUID(bytes=decoded[:16])
    invitation = locate(Invitation).select_related("organisation").filter(id=invitation_id).first()
    known = _mac(invitation_id, invitation.issue_number if invitation else 0)
    if not hmac.compare_digest(decoded[16:], known) or invitation is None:
        raise InvitationUnknown
    return invitation


def opened_invitation(invitation_id: UUID, issue_number: int) -> Invitation:
    """The invitation of a link that a browser has shown before.

    Raises InvitationUnknown, also when a newer link has replaced that one since.
    """
    found = locate(Invitation).select_related("organisation")
    invitation = found.filter(id=invitation_id, issue_number=issue_number).first()
    if invitation is None:
        raise InvitationUnknown
    return invitation


def check_usable(invitation: Invitation) -> None:
    """Raises InvitationRevoked, InvitationUsed, InvitationExpired (from the time itself)."""
    match invitation.state:
        case State.REVOKED:
            raise InvitationRevoked
        case State.DECLINED:
            raise InvitationRevoked(detail="This invitation was declined.")
        case State.ACCEPTED | State.AWAITING_APPROVAL:
            raise InvitationUsed
        case State.EXPIRED:
            raise InvitationExpired
    if invitation.expires_at <= clock.now():
        raise InvitationExpired
