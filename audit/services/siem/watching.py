"""What is looked after between batches: canaries, who must be told again, what retention takes."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.events import siem as events
from audit.logs import current_log
from audit.models import DestinationState, SiemDestination
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.siem import retention_near
from audit.services.recording import record
from audit.services.siem import destination_ref
from audit.services.siem.troubles import TROUBLE, tell
from semafore.kernel import clock

CANARY_EVERY = timedelta(minutes=55)
"""Beat's hour is not exact."""
A_DAY = timedelta(hours=24)


@transaction.atomic
def record_canary() -> int:
    """The hourly canary, where somebody is sent to; 0, since there is never more than one.

    It carries the current checkpoint: who keeps it can hold the log to it (siem.md, Delivery).
    """
    rows = list(
        SiemDestination.objects.exclude(state=DestinationState.PAUSED)
        .select_for_update(no_key=True)
        .order_by("id")
    )
    now = clock.now()
    due = [row.canary_due_from is None or row.canary_due_from + CANARY_EVERY <= now for row in rows]
    signed = latest_checkpoint(current_log()) if any(due) else None
    if signed is not None:
        record(events.SiemCanary(size=signed.size, root=signed.root, note=signed.note))
        SiemDestination.objects.filter(id__in=[row.id for row in rows]).update(canary_due_from=now)
    return 0


def watch() -> int:
    """Look at each destination once; 0, since what was found is dealt with."""
    for destination_id in list(SiemDestination.objects.values_list("id", flat=True)):
        _watch(destination_id)
    return 0


@transaction.atomic
def _watch(destination_id: UUID) -> None:
    rows = SiemDestination.objects.select_for_update(no_key=True)
    row = rows.filter(id=destination_id).first()
    if row is None:
        return
    _tell_again(row)
    _warn(row)
    if row.swept_count and row.swept_first is not None and row.swept_last is not None:
        overtaken = events.SiemOvertaken(
            first=row.swept_first, last=row.swept_last, count=row.swept_count
        )
        record(overtaken, target=destination_ref(row))
        row.swept_count, row.swept_first, row.swept_last = 0, None, None
    row.save()


def _tell_again(row: SiemDestination) -> None:
    """After a day in trouble."""
    now = clock.now()
    standing = row.told_at is not None and row.told_at + A_DAY <= now
    if standing and row.told_again_at is None and row.state != DestinationState.PAUSED:
        row.told_again_at = now
        tell(row, TROUBLE, "has taken nothing for a day")


def _warn(row: SiemDestination) -> None:
    """Before retention reaches what it hasn't got; once, until it has caught up."""
    if not retention_near(row):
        row.warned_at = None
    elif row.warned_at is None:
        row.warned_at = clock.now()
        record(events.SiemRetentionNear(cursor=row.cursor), target=destination_ref(row))
        tell(row, TROUBLE, "is about to lose events: retention deletes them before they are sent")
