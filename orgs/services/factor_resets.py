"""Lost second factors: two people reset one, and neither is the person."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from orgs.errors import (
    FactorResetDecided,
    FactorResetPending,
    MembershipTransition,
    OwnRequest,
)
from orgs.events import sign_in as events
from orgs.models import (
    Account,
    FactorReset,
    FactorResetStatus,
    LinkPurpose,
    Membership,
    MembershipStatus,
    Role,
    unlapsed,
)
from orgs.roles import ROLE_PERMISSIONS
from orgs.selectors.sign_in import get_resettable
from orgs.services.factors import remove_factor
from orgs.services.mail import post_mail
from orgs.services.memberships import membership_ref
from orgs.services.sessions import end_sessions
from semafore.kernel import clock
from semafore.kernel.actor import ActorKind, current_actor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import current_organisation_id, lock_organisation

VALID_FOR = timedelta(hours=24)
MANAGING = [role for role, may in ROLE_PERMISSIONS.items() if Permission.PEOPLE_MANAGE in may]


@transaction.atomic
def request_factor_reset(*, membership_id: UUID, reason: str) -> FactorReset:
    """Ask for a reset; nothing happens until somebody else approves within 24 hours.

    Raises NotFound, OwnRequest, MembershipTransition, FactorResetPending.
    """
    lock_organisation()
    membership, actor = get_resettable(membership_id), current_actor()
    if actor.membership_id == membership.id:
        raise OwnRequest
    if membership.status != MembershipStatus.ACTIVE:
        raise MembershipTransition(detail=f"The membership is {membership.status}.")
    now = clock.now()
    pending = FactorReset.objects.filter(membership=membership, status=FactorResetStatus.PENDING)
    pending.filter(expires_at__lte=now).update(status=FactorResetStatus.EXPIRED)
    if pending.exists():
        raise FactorResetPending
    operator = actor.kind is ActorKind.OPERATOR
    reset = FactorReset.objects.create(
        organisation_id=membership.organisation_id,
        membership=membership,
        reason=reason,
        requested_at=now,
        expires_at=now + VALID_FOR,
        requested_by_id=None if operator else actor.membership_id,
        requested_by_operator_id=actor.id if operator else None,
    )
    record(events.FactorResetRequested(reason=reason), target=membership_ref(membership))
    return reset


@transaction.atomic
def approve_factor_reset(*, reset_id: UUID) -> FactorReset:
    """Reset: factor, recovery codes and sessions are gone at once, and those concerned are mailed.

    Raises NotFound, OwnRequest for who asked for it and for the person, NotPermitted when who
    asked has lost the right since, or an owner's is reset by two who are none, FactorResetDecided.
    """
    reset = _locked(reset_id)
    actor = current_actor()
    if actor.membership_id == reset.requested_by_id:
        raise OwnRequest
    people = Membership.objects.filter(
        unlapsed(),
        id__in=[reset.requested_by_id, actor.membership_id],
        role__in=MANAGING,
        status=MembershipStatus.ACTIVE,
    )
    if reset.requested_by is not None and reset.requested_by not in people:
        raise NotPermitted(detail="Whoever asked for it may not do so any more. Ask anew.")
    if reset.membership.role == Role.OWNER and not people.filter(role=Role.OWNER).exists():
        raise NotPermitted(detail="One of the two who reset an owner must be an owner.")
    _apply(reset, approver=actor.label)
    return reset


@transaction.atomic
def deny_factor_reset(*, reset_id: UUID, reason: str) -> FactorReset:
    """Deny, or take back one's own.

    Raises NotFound, OwnRequest for the person, FactorResetDecided.
    """
    reset = _locked(reset_id)
    reset.denial_reason = reason
    _decide(reset, FactorResetStatus.DENIED)
    record(events.FactorResetDenied(reason=reason), target=membership_ref(reset.membership))
    return reset


@transaction.atomic
def operator_reset_factor(*, membership_id: UUID, reason: str) -> FactorReset:
    """An owner whom no other owner can help: the first operator asks, a second one applies it.

    Raises NotPermitted unless operators act, the first is one still, and the person is an owner;
    NotFound, OwnRequest for one operator twice and for the person, MembershipTransition,
    FactorResetPending for one that isn't operators'.
    """
    lock_organisation()
    actor = current_actor()
    if actor.kind is not ActorKind.OPERATOR or actor.id is None:
        raise NotPermitted
    membership = get_resettable(membership_id)
    if membership.account_id == actor.id:
        raise OwnRequest
    if membership.role != Role.OWNER:
        raise NotPermitted(detail="Operators reset the second factor of owners alone.")
    pending = FactorReset.objects.filter(
        membership=membership, status=FactorResetStatus.PENDING, expires_at__gt=clock.now()
    ).first()
    if pending is None or pending.requested_by_operator_id is None:
        return request_factor_reset(membership_id=membership_id, reason=reason)
    if pending.requested_by_operator_id == actor.id:
        raise OwnRequest
    operators = Account.objects.filter(is_operator=True, is_active=True)
    if not operators.filter(id=pending.requested_by_operator_id).exists():
        raise NotPermitted(detail="Whoever asked for it may not do so any more. It has to lapse.")
    reset = _locked(pending.id)
    _apply(reset, approver="SemaFore's operators")
    return reset


def _locked(reset_id: UUID) -> FactorReset:
    """A request that can be decided, under its row lock."""
    lock_organisation()
    reset = (
        FactorReset.objects.select_for_update(of=("self",), no_key=True)
        .select_related("membership__organisation", "requested_by")
        .filter(id=reset_id)
        .first()
    )
    if reset is None:
        raise NotFound
    if current_actor().membership_id == reset.membership_id:
        raise OwnRequest
    if reset.status != FactorResetStatus.PENDING or reset.expires_at <= clock.now():
        raise FactorResetDecided
    return reset


def _decide(reset: FactorReset, status: FactorResetStatus) -> None:
    actor = current_actor()
    operator = actor.kind is ActorKind.OPERATOR
    reset.status, reset.decided_at = status, clock.now()
    reset.decided_by_id = None if operator else actor.membership_id
    reset.decided_by_operator_id = actor.id if operator else None
    reset.save()


def _apply(reset: FactorReset, *, approver: str) -> None:
    if reset.membership.status != MembershipStatus.ACTIVE:
        raise MembershipTransition(detail=f"The membership is {reset.membership.status}.")
    _decide(reset, FactorResetStatus.APPROVED)
    record(events.FactorResetApproved(reason=reset.reason), target=membership_ref(reset.membership))
    account = Account.objects.get(id=reset.membership.account_id)
    remove_factor(account=account)
    end_sessions(account=account, reason="second factor reset")
    requester = reset.requested_by
    context = {
        "organisation": reset.membership.organisation.name,
        "person": reset.membership.name,
        "requester": requester.name if requester else "SemaFore's operators",
        "approver": approver,
        "reason": reset.reason,
    }
    owners = Membership.objects.filter(
        organisation_id=current_organisation_id(), role=Role.OWNER, status=MembershipStatus.ACTIVE
    ).exclude(id=reset.membership_id)
    for address in sorted({owner.email for owner in owners if owner.email}):
        post_mail(to=address, template="factor_reset", context=context)
    if account.email:
        post_mail(
            to=account.email, template="factor_link", context=context, link=LinkPurpose.FACTOR
        )
