"""The three periods: longer at once, shorter by two people."""

from django.db import transaction

from audit.errors import RetentionInvalid, RetentionRequestPending
from audit.events import retention as events
from audit.models import RequestKind, RetentionPeriods, RetentionRequest
from audit.models.retention import LEAST_AUDIT_DAYS, LEAST_METADATA_DAYS, MOST_DAYS
from audit.selectors.retention import requests_waiting
from audit.services.recording import record
from audit.services.retention import lock_retention
from audit.services.retention.asking import ask
from semafore.kernel import clock
from semafore.kernel.tenancy import current_organisation_id

NAMES = ("metadata_days", "audit_days", "existence_days")


def begin_periods() -> RetentionPeriods:
    """A new organisation's periods, the defaults, in the transaction that creates it."""
    return RetentionPeriods.objects.create(organisation_id=current_organisation_id())


def days(of: RetentionPeriods | RetentionRequest) -> dict[str, int]:
    """The three periods by name."""
    return {name: getattr(of, name) for name in NAMES}


@transaction.atomic
def change_periods(
    *, metadata_days: int, audit_days: int, existence_days: int, reason: str
) -> RetentionPeriods | RetentionRequest:
    """Set the periods at once; where one gets shorter, ask a second person for all of it.

    Nothing happens where nothing differs. Raises RetentionInvalid, RetentionRequestPending,
    NotPermitted where something gets shorter and no member asks.
    """
    after = dict(zip(NAMES, (metadata_days, audit_days, existence_days), strict=True))
    _check(after)
    periods = locked_periods()
    before = days(periods)
    if requests_waiting().filter(kind=RequestKind.SHORTEN).exists():
        raise RetentionRequestPending
    if all(after[name] >= before[name] for name in NAMES):
        return set_periods(periods, after, reason=reason, request=None)
    request = ask(RequestKind.SHORTEN, reason=reason, days=after)
    record(
        events.RetentionChangeRequested(
            before=before, after=after, reason=reason, request_id=request.id
        )
    )
    return request


def locked_periods() -> RetentionPeriods:
    """The periods, while no sweep deletes by them."""
    lock_retention()
    return RetentionPeriods.objects.select_for_update(no_key=True).get()


def set_periods(
    periods: RetentionPeriods,
    after: dict[str, int],
    *,
    reason: str,
    request: RetentionRequest | None,
) -> RetentionPeriods:
    """Make these the periods, in the caller's transaction, under the retention lock."""
    before = days(periods)
    if before == after:
        return periods
    for name, value in after.items():
        setattr(periods, name, value)
    periods.version += 1
    periods.changed_at = clock.now()
    periods.save()
    record(
        events.RetentionChanged(
            before=before,
            after=after,
            version=periods.version,
            reason=reason,
            request_id=request.id if request else None,
        )
    )
    return periods


def _check(after: dict[str, int]) -> None:
    least = {"metadata_days": LEAST_METADATA_DAYS, "audit_days": LEAST_AUDIT_DAYS}
    for name, value in after.items():
        if not least.get(name, 1) <= value <= MOST_DAYS:
            raise RetentionInvalid(
                detail=f"{name} must lie between {least.get(name, 1)} and {MOST_DAYS}."
            )
    if after["existence_days"] < after["metadata_days"]:
        raise RetentionInvalid(detail="existence_days can't be less than metadata_days.")
