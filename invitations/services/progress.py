"""How an invitation goes forward; every change of its state passes here."""

from uuid import UUID

from audit.registry import What
from audit.services.recording import Ref, record
from invitations.errors import InvitationTransition
from invitations.models import Invitation, State
from semafore.kernel import clock
from semafore.kernel.problems import NotFound

NEXT: dict[State, frozenset[State]] = {
    State.ISSUED: frozenset(
        {State.OPENED, State.ACCEPTED, State.EXPIRED, State.REVOKED, State.DECLINED}
    ),
    State.OPENED: frozenset(
        {
            State.ISSUED,
            State.PHONE_VERIFIED,
            State.ACCEPTED,
            State.EXPIRED,
            State.REVOKED,
            State.DECLINED,
        }
    ),
    State.PHONE_VERIFIED: frozenset(
        {State.ISSUED, State.AWAITING_APPROVAL, State.EXPIRED, State.REVOKED, State.DECLINED}
    ),
    State.AWAITING_APPROVAL: frozenset({State.ACCEPTED, State.REVOKED, State.DECLINED}),
    State.EXPIRED: frozenset({State.ISSUED, State.REVOKED}),
}
"""What may follow; a new link begins anew, and extending an expired one issues it again."""

UNDECIDED = (State.ISSUED, State.OPENED, State.PHONE_VERIFIED)
"""Nobody waits for an approval yet: these expire, and can be sent, extended, revoked."""


def invitation_ref(invitation: Invitation) -> Ref:
    """An invitation as events name it: by the name the administrator gave."""
    return Ref(kind="invitation", id=invitation.id, label=invitation.name)


def locked_invitation(invitation_id: UUID) -> Invitation:
    """The invitation under its row lock. Raises NotFound, also for another organisation's."""
    found = Invitation.objects.select_for_update(no_key=True).filter(id=invitation_id).first()
    if found is None:
        raise NotFound
    return found


def advance(invitation: Invitation, to: State, what: What, *, reason: str = "") -> None:
    """Move a locked invitation on, and record `what`. Raises InvitationTransition."""
    if to not in NEXT.get(State(invitation.state), frozenset()):
        raise InvitationTransition(
            detail=f"An invitation that is {State(invitation.state).label.lower()} "
            f"can't become {to.label.lower()}."
        )
    invitation.state, invitation.changed_at, invitation.reason = to, clock.now(), reason
    invitation.save(update_fields=["state", "changed_at", "reason"])
    record(what, target=invitation_ref(invitation))
