"""What owners decide about a destination that runs: pause, resume, replay, skip one event."""

from uuid import UUID

from django.db import transaction

from audit import errors
from audit.events import siem as events
from audit.models import DestinationState, Entry, SiemDestination
from audit.services.recording import record
from audit.services.siem import begin_anew, destination_ref, lock_destination

STANDING = (DestinationState.PAUSED, DestinationState.MISCONFIGURED, DestinationState.PARKED)


@transaction.atomic
def pause_destination(*, destination_id: UUID, reason: str) -> SiemDestination:
    """Send nothing until it is resumed. Raises NotFound, SiemState."""
    row = lock_destination(destination_id)
    if row.state == DestinationState.PAUSED:
        raise errors.SiemState(detail="It is paused already.")
    begin_anew(row)
    row.state = DestinationState.PAUSED
    row.save()
    record(events.SiemPaused(reason=reason), target=destination_ref(row))
    return row


@transaction.atomic
def resume_destination(*, destination_id: UUID) -> SiemDestination:
    """Try again, from where it stands: after a pause, or once the receiver was put right.

    Raises NotFound, SiemState.
    """
    row = lock_destination(destination_id)
    if row.state not in STANDING:
        raise errors.SiemState(detail="It is active already.")
    begin_anew(row)
    row.save()
    record(events.SiemResumed(cursor=row.cursor), target=destination_ref(row))
    return row


@transaction.atomic
def replay(*, destination_id: UUID, cursor: int, reason: str) -> SiemDestination:
    """Send again what it has, from a place on. Raises NotFound, SiemInvalid for a place ahead."""
    row = lock_destination(destination_id)
    if not 0 <= cursor <= row.cursor:
        raise errors.SiemInvalid(
            detail=f"It has what is before place {row.cursor}: choose one of these places."
        )
    replayed = events.SiemReplayed(cursor=cursor, previous_cursor=row.cursor, reason=reason)
    paused = row.state == DestinationState.PAUSED
    begin_anew(row)
    if paused:
        row.state = DestinationState.PAUSED
    row.cursor = cursor
    row.save()
    record(replayed, target=destination_ref(row))
    return row


@transaction.atomic
def skip_event(*, destination_id: UUID, seq: int, reason: str) -> SiemDestination:
    """Go on without the event on which it is parked. Raises NotFound, SiemState.

    `seq` is the place that the person decided about: another one is not skipped in its stead.
    """
    row = lock_destination(destination_id)
    if row.state != DestinationState.PARKED or row.cursor != seq:
        raise errors.SiemState
    entry = Entry.objects.get(seq=seq)
    skipped = events.SiemSkipped(seq=seq, event_id=entry.event_id, reason=reason)
    record(skipped, target=destination_ref(row))
    begin_anew(row)
    row.cursor = seq + 1
    row.save()
    return row
