"""What an evidence bundle is made of: entries, events as far as they may be seen, checkpoints."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from audit.commitments import canonical
from audit.logs import Log
from audit.models import Export, IndexedEvent
from audit.proofs import EXTRA_VERSION, Part, parts_shown
from audit.registry import EventClass
from audit.selectors.exports import BATCH, Kept, filter_of, kept_of, reader_of_export
from audit.selectors.reading import CONFIDENTIAL, Reader, may_read, unreadable
from semafore.kernel.database import prepared_cursor

ALWAYS = (EventClass.RETENTION, EventClass.LOG)
"""In every bundle: which keys signed, which origins there were, what retention deleted."""

ENTRIES = """
SELECT entry FROM audit_entry
WHERE organisation_id = %(organisation)s::uuid AND seq >= %(first)s::bigint
  AND seq < %(last)s::bigint
ORDER BY seq
"""

NOTES = """
SELECT size, note FROM audit_checkpoint
WHERE organisation_id = %(organisation)s::uuid AND size > %(after)s::bigint
  AND size < %(size)s::bigint
ORDER BY size LIMIT %(batch)s
"""


def is_complete(found: Export) -> bool:
    """Whether it leaves out nothing but what retention deleted."""
    return not found.chosen


def in_bundle(found: Export) -> QuerySet[IndexedEvent]:
    """The indexed events that have a line in it.

    A whole log keeps its order with closed parts; a selection leaves out what its reader may not
    read.
    """
    rows = IndexedEvent.objects.filter(seq__lt=found.size)
    if is_complete(found):
        return rows
    wanted = filter_of(found.chosen).condition() | Q(event_class__in=ALWAYS)
    return rows.filter(wanted).exclude(unreadable(reader_of_export(found)))


def entries(log: Log, size: int) -> Iterator[bytes]:
    """The entries of the log's first `size`, 34 bytes each."""
    for first in range(0, size, BATCH):
        last = min(first + BATCH, size)
        with prepared_cursor(binary=True) as cursor:
            cursor.execute(ENTRIES, log.parameters(first=first, last=last))
            yield from (entry for (entry,) in cursor.fetchall())


def earlier_notes(log: Log, size: int) -> Iterator[str]:
    """The signed checkpoints before the one of this size, the oldest first."""
    after = -1
    while True:
        with prepared_cursor() as cursor:
            cursor.execute(NOTES, log.parameters(after=after, size=size, batch=BATCH))
            rows = cursor.fetchall()
        if not rows:
            return
        yield from (note for _, note in rows)
        after = rows[-1][0]


def lines(found: Export) -> Iterator[tuple[int, dict[str, Any]]]:
    """The place and the fields of each event; what its reader may not read stays closed."""
    reader, after = reader_of_export(found), -1
    rows = in_bundle(found).order_by("seq").values_list("seq", "event_id", "type")
    while places := list(rows.filter(seq__gt=after)[:BATCH]):
        after = places[-1][0]
        kept = kept_of([event_id for _, event_id, _ in places])
        for seq, event_id, event_type in places:
            if one := kept.get(event_id):
                who = Part("who", one.who, one.who_opening, one.c_who)
                what = Part("what", one.what, one.what_opening, one.c_what)
                shown = parts_shown((who, what), _opened(one, event_type, reader))
                yield seq, {"v": EXTRA_VERSION, "class": one.event_class, **shown}


EVERYTHING, NOTHING = frozenset({"who", "what"}), frozenset[str]()


def _opened(one: Kept, event_type: str, reader: Reader) -> frozenset[str]:
    """Which parts the reader may see."""
    people = None
    if one.who is not None and event_type.startswith(CONFIDENTIAL):
        people = json.loads(one.who)
    return EVERYTHING if may_read(one.event_class, event_type, people, reader) else NOTHING


def policy_history(found: Export) -> bytes:
    """What was decided of policy and retention, oldest first: a list of `seq` and `what`.

    Not what retention deleted by it, which stands in the events.
    """
    rows = IndexedEvent.objects.filter(
        Q(type__startswith="policy.") | Q(type__startswith="retention."), seq__lt=found.size
    ).exclude(type="retention.swept")
    readable = rows.exclude(unreadable(reader_of_export(found))).order_by("seq")
    places = list(readable.values_list("seq", "event_id"))
    kept = kept_of([event_id for _, event_id in places])
    decided = (
        {"seq": seq, "what": json.loads(one.what)}
        for seq, event_id in places
        if (one := kept.get(event_id)) is not None and one.what is not None
    )
    return canonical(list(decided))
