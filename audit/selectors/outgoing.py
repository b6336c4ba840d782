"""What a destination is to get next, read as it is sent: a bounded number of events at a time."""

import json
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from audit.events.siem import CANARY
from audit.logs import log_of
from audit.models import Entry, Event, IndexedEvent, SiemDestination
from audit.registry import REGISTRY, EventClass
from audit.selectors.reading import reader_as, unreadable
from audit.selectors.tree import tree_head
from audit.siem.outgoing import Outgoing
from semafore.kernel.database import prepared_cursor
from semafore.kernel.permissions import Permission

SPAN = 20_000
"""Places of the log that are looked at for one batch, where the destination takes few of them."""

EVERYTHING = frozenset({Permission.AUDIT_READ, Permission.AUDIT_READ_TRAFFIC})

SWEPT = """
SELECT count(*), min(seq), max(seq) FROM audit_entry AS entry
WHERE organisation_id = %(organisation)s::uuid
  AND seq >= %(first)s::bigint AND seq < %(end)s::bigint
  AND get_byte(entry, 1) = ANY(%(classes)s::int[])
  AND NOT EXISTS (
    SELECT FROM audit_event_index AS indexed
    WHERE indexed.organisation_id = entry.organisation_id AND indexed.seq = entry.seq
  )
"""


@dataclass(frozen=True, slots=True)
class Swept:
    """Events of a destination's classes of which retention has left nothing."""

    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Places of the log from `first` to before `end`, and what is to be sent of them."""

    first: int
    end: int
    events: list[Outgoing]


def taken_by(destination: SiemDestination) -> QuerySet[IndexedEvent]:
    """The events that it takes, whether it has them or not; a canary always."""
    light = [name for name, one in REGISTRY.items() if one.severity < destination.least_severity]
    fitting = Q(event_class__in=destination.classes)
    if light:
        fitting &= ~Q(type__in=light)
    reader = reader_as(destination.set_up_by_id, EVERYTHING)
    return IndexedEvent.objects.filter(fitting | Q(type=CANARY)).exclude(unreadable(reader))


def next_stretch(destination: SiemDestination, *, most: int) -> Stretch | None:
    """The next places, with at most so many events; None at the end of the log."""
    first = destination.cursor
    end = min(tree_head(log_of(destination.organisation_id)).size, first + SPAN)
    if end <= first:
        return None
    rows = list(taken_by(destination).filter(seq__gte=first, seq__lt=end).order_by("seq")[:most])
    if len(rows) == most:
        end = rows[-1].seq + 1
    return Stretch(first, end, outgoing(rows))


def outgoing(rows: list[IndexedEvent]) -> list[Outgoing]:
    """These events with what is left of them, in their order, without those that are gone."""
    events = {one.id: one for one in Event.objects.filter(id__in=[row.event_id for row in rows])}
    leaves = dict(
        Entry.objects.filter(seq__in=[row.seq for row in rows]).values_list("seq", "leaf")
    )
    return [
        Outgoing(
            organisation_id=row.organisation_id,
            seq=row.seq,
            event_id=row.event_id,
            event_class=EventClass(row.event_class),
            leaf=bytes(leaves[row.seq]),
            what=json.loads(bytes(event.what)),
            who=None if event.who is None else json.loads(bytes(event.who)),
        )
        for row in rows
        if (event := events.get(row.event_id)) is not None and event.what is not None
    ]


def swept_between(destination: SiemDestination, first: int, end: int) -> Swept | None:
    """What retention has left nothing of, from a place to before another; None of nothing."""
    with prepared_cursor() as cursor:
        cursor.execute(
            SWEPT,
            {
                "organisation": destination.organisation_id,
                "first": first,
                "end": end,
                "classes": destination.classes,
            },
        )
        count, lowest, highest = cursor.fetchone()
    return Swept(count, lowest, highest) if count else None
