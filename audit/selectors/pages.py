"""The next events in a log that a filter finds: in milliseconds, at a million of them.

Each index of `IndexedEvent` that a filter goes by has the type before the place. So every type that
the reader may read is asked for its next few, and what they may not read is never stepped over.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from audit.models import IndexedEvent
from audit.models.index import SUCCESS
from audit.models.spans import STRETCH
from audit.registry import REGISTRY
from audit.selectors.events import EventFilter
from audit.selectors.reading import Reader, may_read_type, unreadable
from semafore.kernel.database import reading_cursor
from semafore.kernel.tenancy import current_organisation_id

END = 2**63 - 1
"""A place after all."""

RUNS_MAX = 8
"""Runs of spans that are looked up apart; more are taken for one, with what lies between."""

INDEXED = frozenset({"actor", "target", "room", "address", "about"})
"""Fields that an index goes by, with the type before the place; so does any outcome but SUCCESS."""

# From one type to the next along the index: some dozens, however many events there are.
TYPES = """
WITH RECURSIVE present (type) AS (
    (SELECT type FROM audit_event_index WHERE organisation_id = %(organisation)s::uuid
     ORDER BY type LIMIT 1)
    UNION ALL
    SELECT (SELECT event.type FROM audit_event_index AS event
        WHERE organisation_id = %(organisation)s::uuid AND event.type > present.type
        ORDER BY event.type LIMIT 1)
    FROM present WHERE type IS NOT NULL
)
SELECT type FROM present WHERE type IS NOT NULL
"""

RUNS = """
SELECT min(number) * %(stretch)s, (max(number) + 1) * %(stretch)s
FROM (
    SELECT number, number - row_number() OVER (ORDER BY number) AS run FROM audit_span
    WHERE organisation_id = %(organisation)s::uuid
      AND latest >= %(from_at)s::timestamptz AND earliest < %(to_at)s::timestamptz
) AS touched
GROUP BY run ORDER BY 1
"""

EACH = """
SELECT found.* FROM unnest(%s::bigint[], %s::bigint[]) AS run (first, beyond)
{kinds} CROSS JOIN LATERAL ({next}) AS found
"""

KINDS = "CROSS JOIN unnest(%s::text[]) AS kind (type)"

IN_RUN = "audit_event_index.seq >= run.first AND audit_event_index.seq < run.beyond"

OF_KIND = " AND audit_event_index.type = kind.type"


def next_events(
    reader: Reader, chosen: EventFilter, *, after: int, limit: int
) -> list[IndexedEvent]:
    """Up to `limit` events after a place (-1: from the first on), in the order of the log."""
    return list(_rows(reader, chosen, order="seq", places=(after + 1, END), limit=limit))


def previous_events(
    reader: Reader, chosen: EventFilter, *, before: int | None, limit: int
) -> list[IndexedEvent]:
    """Up to `limit` events before a place (None: from the last on), the newest first."""
    beyond = END if before is None else before
    return list(_rows(reader, chosen, order="-seq", places=(0, beyond), limit=limit))


def _rows(
    reader: Reader, chosen: EventFilter, *, order: str, places: tuple[int, int], limit: int
) -> QuerySet[IndexedEvent]:
    found, parameters = in_order(reader, chosen, order=order, places=places, limit=limit)
    seqs = RawSQL(f"SELECT seq FROM ({found}) AS found", parameters)  # noqa: S608, S611 - made here
    return IndexedEvent.objects.filter(seq__in=seqs).order_by(order)


def in_order(
    reader: Reader,
    chosen: EventFilter,
    *,
    order: str,
    places: tuple[int, int],
    limit: int,
    columns: Sequence[str] = (),
) -> tuple[str, list[Any]]:
    """A statement for the first `limit` events, `seq` and these columns, and its parameters.

    In the order `seq` or `-seq`, of the places from the first of the two to before the second.
    """
    runs = _runs(chosen, places)
    kinds = _kinds(reader, chosen)
    inside = RawSQL(IN_RUN if kinds is None else IN_RUN + OF_KIND, [], BooleanField())  # noqa: S611 - no values
    parts: list[str] = []
    parameters: list[Any] = []
    for alternative in chosen.alternatives():
        rows = (
            IndexedEvent.objects.filter(alternative, inside)
            .exclude(unreadable(reader))
            .order_by(order)
            .values_list("seq", *columns)[:limit]
        )
        sql, bound = rows.query.sql_with_params()
        parts.append(EACH.format(kinds="" if kinds is None else KINDS, next=sql))
        parameters += [[first for first, _ in runs], [beyond for _, beyond in runs]]
        parameters += [*([] if kinds is None else [kinds]), *bound]
    direction = "DESC" if order.startswith("-") else "ASC"
    every = " UNION ".join(parts)
    return f"SELECT * FROM ({every}) AS every ORDER BY seq {direction} LIMIT {limit:d}", parameters  # noqa: S608


def _kinds(reader: Reader, chosen: EventFilter) -> list[str] | None:
    """The types to ask for, one by one; None where the places alone are the fastest way."""
    if chosen.message:
        return None
    if chosen.action:
        return [chosen.action] if _may_be_readable(chosen.action, reader) else []
    with reading_cursor() as cursor:
        cursor.execute(TYPES, {"organisation": current_organisation_id()})
        present = [name for (name,) in cursor.fetchall()]
    readable = [name for name in present if _may_be_readable(name, reader)]
    by_index = chosen.given().keys() & INDEXED or chosen.outcome not in {"", SUCCESS}
    return readable if by_index or len(readable) < len(present) else None


def _may_be_readable(name: str, reader: Reader) -> bool:
    """Types that are no longer registered are looked at event by event."""
    known = REGISTRY.get(name)
    return known is None or may_read_type(known.event_class, name, reader.permissions)


def _runs(chosen: EventFilter, places: tuple[int, int]) -> list[tuple[int, int]]:
    """The places in which the events of the filter's time can be, each with the place after it."""
    first, beyond = places
    if chosen.from_at is None and chosen.to_at is None:
        return [places]
    with reading_cursor() as cursor:
        cursor.execute(
            RUNS,
            {
                "organisation": current_organisation_id(),
                "stretch": STRETCH,
                "from_at": chosen.from_at or "-infinity",
                "to_at": chosen.to_at or "infinity",
            },
        )
        runs = cursor.fetchall()
    if len(runs) > RUNS_MAX:
        runs = [(runs[0][0], runs[-1][1])]
    clipped = [(max(start, first), min(end, beyond)) for start, end in runs]
    return [(start, end) for start, end in clipped if start < end]
