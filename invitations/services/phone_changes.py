"""A member's new number: asked for, proved, approved or denied."""

from uuid import UUID

from django.db import transaction

from audit.services.denials import Denial
from audit.services.recording import record
from invitations.errors import PhoneChangeState, PhoneInUse, PhoneUnchanged
from invitations.events import onboarding as events
from invitations.models import PhoneChange
from invitations.services.phone_codes import check_code, check_numbers_asked, want_code
from invitations.services.terms import check_approver
from invitations.tasks.onboarding import send_phone_code, tell_approvers_of
from orgs.errors import MembershipTransition, OwnRequest
from orgs.models import Membership, MembershipStatus
from orgs.services.accounts import move_phone, normalise_phone
from orgs.services.memberships import membership_ref
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.names import called
from semafore.kernel.problems import NotFound, Problem
from semafore.kernel.tasks import queue_after_commit
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def request_phone_change(*, membership_id: UUID, phone: str) -> PhoneChange:
    """Have a code sent to the new number; it takes the place of a change still undecided.

    One that waits for approval goes, id and all: nobody approves another number than they saw.
    Raises PhoneInvalid, PhoneUnchanged, CodeLimit (of the number, or of the member), CodeLocked.
    """
    number = normalise_phone(phone)
    member = Membership.objects.select_for_update(no_key=True).get(id=membership_id)
    if member.phone == number:
        raise PhoneUnchanged
    change = (
        PhoneChange.objects.select_for_update(no_key=True)
        .filter(membership=member, decided_at=None)
        .first()
    )
    if change is not None:
        check_numbers_asked(subject_id=change.id, phone=number)
        if change.proved_at is not None:
            change.delete()
            change = None
    if change is None:
        change = PhoneChange(organisation_id=member.organisation_id, membership=member)
    change.phone, change.requested_at = number, clock.now()
    change.proved_at = change.told_at = change.reminded_at = None
    change.save()
    record(events.PhoneChangeRequested(phone_change_id=change.id), target=membership_ref(member))
    proof_id = want_code(phone=number, subject_id=change.id)
    queue_after_commit(send_phone_code, change.organisation_id, proof_id)
    return change


def prove_phone_change(*, membership_id: UUID, code: str) -> PhoneChange:
    """Prove the new number; from then on the change waits for approval.

    Raises PhoneChangeState when none is asked for, CodeWrong, CodeLocked.
    """
    outcome = _prove(membership_id, code)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


@transaction.atomic
def _prove(membership_id: UUID, code: str) -> PhoneChange | Problem:
    """The refusal is returned, so that the try stays counted."""
    change = (
        PhoneChange.objects.select_for_update(of=("self",), no_key=True)
        .select_related("membership")
        .filter(membership_id=membership_id, decided_at=None)
        .first()
    )
    if change is None or change.proved_at is not None:
        raise PhoneChangeState(detail="No change of number waits for a code.")
    refusal = check_code(phone=change.phone, subject_id=change.id, code=code)
    target = membership_ref(change.membership)
    if refusal is not None:
        refusal.denial = Denial(
            events.OnboardingRefused(factor="phone", reason=refusal.code), target
        )
        return refusal
    change.proved_at = clock.now()
    change.save(update_fields=["proved_at"])
    record(events.PhoneChangeProved(phone_change_id=change.id), target=target)
    queue_after_commit(tell_approvers_of, change.organisation_id)
    return change


@transaction.atomic
def approve_phone_change(*, phone_change_id: UUID) -> PhoneChange:
    """Give the member the new number; another person's account that had it loses it.

    Memberships in other organisations keep what they know. Raises NotFound, PhoneChangeState (which
    says who decided, and when), OwnRequest, NotPermitted, MembershipTransition, PhoneInUse.
    """
    change = _waiting(phone_change_id)
    member = change.membership
    if member.status != MembershipStatus.ACTIVE:
        raise MembershipTransition(detail=f"The membership is {member.status}.")
    check_approver(member)
    others = Membership.objects.filter(phone=change.phone).exclude(id=member.id)
    if others.exclude(status=MembershipStatus.ENDED).exists():
        raise PhoneInUse
    member.phone = change.phone
    member.save(update_fields=["phone"])
    move_phone(account=member.account, phone=change.phone)
    _decide(change, approved=True, reason="")
    approved = events.PhoneChangeApproved(phone_change_id=change.id)
    record(approved, target=membership_ref(member))
    return change


@transaction.atomic
def deny_phone_change(*, phone_change_id: UUID, reason: str) -> PhoneChange:
    """Leave the number as it is. Raises NotFound, PhoneChangeState, OwnRequest."""
    change = _waiting(phone_change_id)
    _decide(change, approved=False, reason=reason)
    denied = events.PhoneChangeDenied(phone_change_id=change.id, reason=reason)
    record(denied, target=membership_ref(change.membership))
    return change


def _waiting(phone_change_id: UUID) -> PhoneChange:
    lock_organisation()
    # The member first: whoever asks for another number locks in this order.
    list(
        Membership.objects.select_for_update(no_key=True).filter(phone_changes__id=phone_change_id)
    )
    change = (
        PhoneChange.objects.select_for_update(of=("self",), no_key=True)
        .select_related("membership__account", "decided_by")
        .filter(id=phone_change_id)
        .first()
    )
    if change is None:
        raise NotFound
    if change.decided_at is not None:
        who = called(change.decided_by, "The server")
        word = "approved" if change.approved else "denied"
        when = f"{change.decided_at:%-d %B %Y at %H:%M} UTC"
        raise PhoneChangeState(detail=f"{who} {word} this change on {when}.")
    if change.proved_at is None:
        raise PhoneChangeState(detail="The new number is not proved yet.")
    if current_actor().membership_id == change.membership_id:
        raise OwnRequest
    return change


def _decide(change: PhoneChange, *, approved: bool, reason: str) -> None:
    change.approved, change.reason = approved, reason
    change.decided_at, change.decided_by_id = clock.now(), current_actor().membership_id
    change.save(update_fields=["approved", "reason", "decided_at", "decided_by"])
