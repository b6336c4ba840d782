"""A second person decides: shorter periods, the end of a hold."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.errors import OwnRequest, RetentionRequestDecided
from audit.events import retention as events
from audit.models import Hold, RequestKind, RequestStatus, RetentionRequest
from audit.selectors import retention
from audit.services.recording import record
from audit.services.retention import holds, lock_retention, periods
from semafore.kernel import clock, hooks
from semafore.kernel.actor import current_actor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted


@dataclass(frozen=True, slots=True)
class Needed:
    """Who may ask for it, and who may decide it."""

    to_ask: Permission
    to_decide: Permission


NEEDED = {
    RequestKind.SHORTEN: Needed(Permission.RETENTION_MANAGE, Permission.RETENTION_APPROVE),
    RequestKind.LIFT: Needed(Permission.HOLDS_PLACE, Permission.HOLDS_LIFT),
}


@transaction.atomic
def approve_request(*, request_id: UUID) -> RetentionRequest:
    """Do what was asked for.

    Raises NotFound, RetentionRequestDecided, OwnRequest, NotPermitted where the decider may not, or
    whoever asked has lost the right since.
    """
    request = _to_decide(request_id)
    if not _may(request.requested_by_id, NEEDED[RequestKind(request.kind)].to_ask):
        raise NotPermitted(detail="Whoever asked for it may not do so any more. Ask anew.")
    _decide(request, RequestStatus.APPROVED)
    if request.hold:
        holds.lift(request.hold, request=request)
    else:
        after = periods.days(request)
        periods.set_periods(periods.locked_periods(), after, reason=request.reason, request=request)
    return request


@transaction.atomic
def deny_request(*, request_id: UUID, reason: str) -> RetentionRequest:
    """Leave things as they are.

    Raises NotFound, RetentionRequestDecided, OwnRequest, NotPermitted.
    """
    request = _to_decide(request_id)
    request.denial_reason = reason
    _decide(request, RequestStatus.DENIED)
    hold: Hold | None = request.hold
    if hold:
        denied = events.HoldLiftDenied(hold_id=hold.id, reason=reason, request_id=request.id)
        holds.record_of(hold, denied)
    else:
        record(events.RetentionChangeDenied(reason=reason, request_id=request.id))
    return request


@transaction.atomic
def withdraw_request(*, request_id: UUID) -> RetentionRequest:
    """Take back one's own. Raises NotFound, RetentionRequestDecided, NotPermitted for another's."""
    request = _locked(request_id)
    if current_actor().membership_id != request.requested_by_id:
        raise NotPermitted(detail="Only who asked for it can take it back.")
    _decide(request, RequestStatus.WITHDRAWN)
    hold: Hold | None = request.hold
    if hold:
        holds.record_of(hold, events.HoldLiftWithdrawn(hold_id=hold.id, request_id=request.id))
    else:
        record(events.RetentionChangeWithdrawn(request_id=request.id))
    return request


def _locked(request_id: UUID) -> RetentionRequest:
    """A request that waits; the retention lock lets one person at a time decide.

    About a hold on who acts, there is none but their own (ADR 0015).
    """
    lock_retention()
    request = retention.retention_request(request_id)
    own = current_actor().membership_id == request.requested_by_id
    if request.hold and not own and holds.examines_actor(request.hold):
        raise NotFound
    if request.status != RequestStatus.PENDING or request.expires_at <= clock.now():
        raise RetentionRequestDecided
    return request


def _to_decide(request_id: UUID) -> RetentionRequest:
    """The same, where the actor is a second person who may decide it."""
    request = _locked(request_id)
    decider = current_actor().membership_id
    if decider == request.requested_by_id:
        raise OwnRequest
    if not _may(decider, NEEDED[RequestKind(request.kind)].to_decide):
        raise NotPermitted
    return request


def _may(membership_id: UUID | None, permission: Permission) -> bool:
    if membership_id is None:
        return False
    asked = hooks.PermissionHolders(permission, frozenset({membership_id}))
    hooks.permission_holders(asked)
    return membership_id in asked.found


def _decide(request: RetentionRequest, status: RequestStatus) -> None:
    request.status, request.decided_at = status, clock.now()
    request.decided_by_id = current_actor().membership_id
    request.save(update_fields=["status", "decided_at", "decided_by", "denial_reason"])
