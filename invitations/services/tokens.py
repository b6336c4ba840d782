"""The token of an invitation: derived from its id and issue number, stored nowhere."""

import base64
import binascii
import hmac
from uuid import UUID

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


def check_usable(invitation: Invitation) -> None:
    """Raises InvitationRevoked, InvitationUsed, InvitationExpired (from the time itself)."""
    match invitation.state:
        case State.REVOKED | State.DECLINED:
            raise InvitationRevoked
        case State.ACCEPTED | State.AWAITING_APPROVAL:
            raise InvitationUsed
        case State.EXPIRED:
            raise InvitationExpired
    if invitation.expires_at <= clock.now():
        raise InvitationExpired
