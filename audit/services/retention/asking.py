"""What one person may only ask for: a request that somebody else decides within seven days."""

from collections.abc import Mapping
from datetime import timedelta

from audit.errors import RetentionRequestPending
from audit.models import Hold, RequestKind, RequestStatus, RetentionRequest
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.problems import NotPermitted
from semafore.kernel.tenancy import current_organisation_id

VALID_FOR = timedelta(days=7)


def ask(
    kind: RequestKind,
    *,
    reason: str,
    hold: Hold | None = None,
    days: Mapping[str, int] | None = None,
) -> RetentionRequest:
    """Put a request before a second person, in the caller's transaction, under the retention lock.

    Raises RetentionRequestPending, NotPermitted unless a member asks.
    """
    asker, now = current_actor().membership_id, clock.now()
    if asker is None:
        raise NotPermitted
    pending = RetentionRequest.objects.filter(kind=kind, hold=hold, status=RequestStatus.PENDING)
    pending.filter(expires_at__lte=now).update(status=RequestStatus.EXPIRED)
    if pending.exists():
        raise RetentionRequestPending
    return RetentionRequest.objects.create(
        organisation_id=current_organisation_id(),
        kind=kind,
        reason=reason,
        hold=hold,
        requested_at=now,
        requested_by_id=asker,
        expires_at=now + VALID_FOR,
        **(days or {}),
    )
