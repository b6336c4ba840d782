"""Sweeps: what has lived its time goes, batch by batch, and a record of it stays (audit-log.md).

Each batch is a transaction that also writes down what it did, so that a killed sweep goes on where
it stood and its record is right. One batch of an organisation runs at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit.models import RetentionPeriods, Sweep
from audit.registry import EventClass
from audit.selectors.expired import (
    BEGINNING,
    STEPS,
    Cutoffs,
    Expired,
    Looked,
    Part,
    Position,
    Step,
    count_contents_of,
)
from audit.selectors.reading import Reader
from audit.selectors.retention import active_holds, periods
from audit.services.retention import lock_retention, records
from semafore.kernel import hooks
from semafore.kernel.tenancy import current_organisation_id

BATCH = 150
"""Events a batch, and other rows of each kind (bench/sweep.py: no lock is held over 200 ms)."""

CONTENTS_BATCH = 1500
"""Hashes of ciphertexts a batch: a message to a thousand devices has as many."""

CHUNK = 5000
"""Events that a preview asks the other apps about at a time."""

CONTENTS = "contents"


FORGET_PEOPLE = """
WITH gone AS (
    UPDATE audit_event_index SET actor_kind = '', actor_id = NULL, actor_member = NULL,
        target_kind = '', target_id = NULL, subject_id = NULL, room_id = NULL, address = '',
        who_kept = false
    WHERE organisation_id = %(organisation)s::uuid AND seq = ANY(%(seqs)s::bigint[]) AND who_kept
    RETURNING seq, event_id, at
), forgotten AS (
    UPDATE audit_event AS event SET who = NULL, who_opening = NULL FROM gone
    WHERE event.organisation_id = %(organisation)s::uuid AND event.id = gone.event_id
)
SELECT seq, event_id FROM gone ORDER BY at, seq
"""

# Only with the parts that end now: a part whose time has not come keeps its event.
DELETE_EVENTS = """
WITH gone AS (
    DELETE FROM audit_event_index
    WHERE organisation_id = %(organisation)s::uuid AND seq = ANY(%(seqs)s::bigint[])
      AND who_kept = %(with_who)s
    RETURNING seq, event_id, at
), forgotten AS (
    DELETE FROM audit_event AS event USING gone
    WHERE event.organisation_id = %(organisation)s::uuid AND event.id = gone.event_id
)
SELECT seq, event_id FROM gone ORDER BY at, seq
"""

DELETE_CONTENTS = """
DELETE FROM audit_content WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM audit_content
    WHERE organisation_id = %(organisation)s::uuid AND event_id = ANY(%(events)s::uuid[])
    LIMIT %(limit)s
))
"""


@dataclass(frozen=True, slots=True)
class PartCount:
    """How many parts of events of a class."""

    event_class: EventClass
    part: Part
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a sweep would delete now, and by which cutoffs."""

    cutoffs: Cutoffs
    parts: list[PartCount]
    """Those that are not nought, by class and part."""
    rows: dict[str, int]
    """Other rows by what they are, those that are not nought."""


def preview(wanted: RetentionPeriods | None = None, *, reader: Reader | None = None) -> Preview:
    """Count what the next sweep deletes, by the current periods or the wanted ones (unsaved).

    To a reader it is the most that it may be: what a hold covers of which they don't know is
    counted too.
    """
    cutoffs = Cutoffs.of(wanted or periods())
    holds = active_holds(reader)
    asked = cutoffs.hook(holds, batch=None)
    expired = Expired(cutoffs, holds, asked.ended_devices)
    parts, rows = [], dict(asked.rows)
    for step in STEPS:
        count, contents = _count(expired, step)
        parts += [PartCount(step.event_class, part, count) for part in step.parts if count]
        rows[CONTENTS] = rows.get(CONTENTS, 0) + contents
    return Preview(cutoffs, parts, {name: count for name, count in rows.items() if count})


def _count(expired: Expired, step: Step) -> tuple[int, int]:
    """Events of a step that no hold covers, and their contents."""
    if not any(hold.membership_id for hold in expired.holds):
        contents = expired.count_contents(step) if _has_contents(step) else 0
        return expired.count(step), contents
    count = contents = 0
    for looked in _chunks(expired, step):
        free = expired.free(looked)
        count += len(free)
        if _has_contents(step):
            contents += count_contents_of([one.event_id for one in free])
    return count, contents


def _chunks(expired: Expired, step: Step) -> Iterator[list[Looked]]:
    after = BEGINNING
    while looked := expired.look(step, after=after, limit=CHUNK):
        yield looked
        after = Position(looked[-1].at, looked[-1].seq)


def _has_contents(step: Step) -> bool:
    return step.event_class is EventClass.TRANSIT and step.whole


def sweep() -> int:
    """Delete all that has lived its time in the current organisation; how many parts and rows."""
    total = 0
    while (taken := sweep_batch()) is not None:
        total += taken
    return total


@transaction.atomic
def sweep_batch() -> int | None:
    """One batch: how many parts and rows it deleted; None once there is nothing left to do.

    The last one records the sweep, if it deleted anything.
    """
    lock_retention(shared=True)
    # One batch at a time: the record of a sweep is a chain.
    current = RetentionPeriods.objects.select_for_update(no_key=True).get()
    row = Sweep.objects.first() or _begin(current)
    if row.version != current.version:
        # What went by the old periods is recorded as such; the next batch goes by the new ones.
        records.end(row)
        return 0
    with connection.cursor() as cursor:
        # The one path on which the log's tables give anything back (their triggers).
        cursor.execute("SELECT set_config('semafore.retention', 'on', true)")
    taken = _sweep_events(row)
    if not taken and row.step == len(STEPS):
        taken = _sweep_rows(row)
        if not taken:
            records.end(row)
            return None
    row.save()
    return taken


def _begin(current: RetentionPeriods) -> Sweep:
    cutoffs = Cutoffs.of(current)
    return Sweep(
        organisation_id=current.organisation_id,
        version=current.version,
        metadata_before=cutoffs.metadata_before,
        audit_before=cutoffs.audit_before,
        existence_before=cutoffs.existence_before,
    )


def _sweep_events(row: Sweep) -> int:
    """Up to a batch of events, held or not; how many events and contents went."""
    left, taken = BATCH, 0
    cutoffs, holds = Cutoffs.of_sweep(row), active_holds()
    while left and row.step < len(STEPS):
        step = STEPS[row.step]
        expired = Expired(cutoffs, holds, _ended_devices(step, cutoffs, holds))
        position = Position(row.after_at, row.after_seq)
        looked = expired.look(step, after=position, limit=left)
        free = expired.free(looked)
        if _has_contents(step):
            contents = _delete_contents(row, free)
            taken += contents
            if contents == CONTENTS_BATCH:
                break
        taken += _delete(row, step, free)
        if len(looked) < left:
            row.step += 1
            row.after_at, row.after_seq = BEGINNING
        else:
            row.after_at, row.after_seq = looked[-1].at, looked[-1].seq
        left -= len(looked)
    return taken


def _ended_devices(step: Step, cutoffs: Cutoffs, holds: Sequence[hooks.Hold]) -> set[UUID]:
    return cutoffs.hook(holds, batch=0).ended_devices if step.lives == "device" else set()


def _delete(row: Sweep, step: Step, events: Sequence[Looked]) -> int:
    """Delete these events' parts of the step, and keep account."""
    if not events:
        return 0
    gone = _rows(
        DELETE_EVENTS if step.whole else FORGET_PEOPLE,
        seqs=[one.seq for one in events],
        with_who="who" in step.parts,
    )
    records.count_events(row, step, gone)
    return len(gone)


def _delete_contents(row: Sweep, events: Sequence[Looked]) -> int:
    """Up to CONTENTS_BATCH hashes of what transited; their events wait until all are gone."""
    if not events:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            DELETE_CONTENTS,
            {
                "organisation": current_organisation_id(),
                "events": [one.event_id for one in events],
                "limit": CONTENTS_BATCH,
            },
        )
        count = int(cursor.rowcount)
    records.count_rows(row, {CONTENTS: count})
    return count


def _sweep_rows(row: Sweep) -> int:
    """A batch of each kind of the other apps' rows; after the events, which holds find by them."""
    asked = Cutoffs.of_sweep(row).hook(active_holds(), batch=BATCH)
    records.count_rows(row, asked.rows)
    return sum(asked.rows.values())


def _rows(sql: str, **named: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"organisation": current_organisation_id(), **named})
        return list(cursor.fetchall())
