"""What stands around an event: the same request, the same actor near by, the same target."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from audit.models import IndexedEvent
from audit.selectors.events import EventFilter, Line, OneEvent, events, lines
from audit.selectors.reading import Reader

NEAR = timedelta(minutes=5)
"""Before and after."""

WINDOW = 1000
"""Places before and after within which the same actor and the same request are looked for."""

MOST = 25
"""Events of the same actor before and after that are looked at."""

SHOWN = 5
"""Before and after, of each sort but the same request."""


@dataclass(frozen=True, slots=True)
class Related:
    """Each in the order of the log; an event stands in the first list that it fits."""

    request: list[Line]
    actor: list[Line]
    """Within five minutes before and after."""
    target: list[Line]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The next events that fit and that the reader may read."""

    older: UUID | None
    newer: UUID | None


def related(found: OneEvent, reader: Reader) -> Related:
    """Bounded: the reader sees what is nearest, and searches for more.

    Of the event of which `view_surroundings` records the look.
    """
    if found.entry is None or found.who is None or found.what is None:
        return Related([], [], [])
    seq, who = found.entry.seq, found.who
    here = datetime.fromisoformat(found.what["time"])
    window = {"seq__gte": seq - WINDOW, "seq__lte": seq + WINDOW}
    near = _around(events(reader, _by_actor(who["actor"])).filter(**window), seq, MOST)
    target = who["target"] and who["target"]["id"]
    to_it = EventFilter(target=UUID(target)) if target else None
    of_target = _around(events(reader, to_it), seq, SHOWN) if to_it else []
    rows = {row.seq: row for row in [*near, *of_target]}
    every = {line.row.seq: line for line in lines(rows.values())}
    request = {one.seq for one in near if _request(every[one.seq].who) == who["request_id"] != ""}
    close = [one.seq for one in near if who["actor"]["id"] and abs(one.at - here) <= NEAR]
    actor = _nearest(set(close) - request, seq)
    groups = (request, actor, {one.seq for one in of_target} - request - actor)
    return Related(*([every[one] for one in sorted(group)] for group in groups))


def neighbours(found: OneEvent, reader: Reader, chosen: EventFilter) -> Neighbours:
    """Before and after an event, among those that fit."""
    if found.entry is None:
        return Neighbours(None, None)
    here = found.entry.seq
    rows = _around(events(reader, chosen), here, 1)
    older = next((row.event_id for row in rows if row.seq < here), None)
    newer = next((row.event_id for row in rows if row.seq > here), None)
    return Neighbours(older, newer)


def _by_actor(actor: Mapping[str, str | None]) -> EventFilter:
    """The person, else the program; of nobody who is known, anybody's: one request may be in it."""
    known = actor["member"] or actor["id"]
    return EventFilter(actor=UUID(known)) if known else EventFilter()


def _request(who: Mapping[str, Any] | None) -> str:
    return str(who["request_id"]) if who else ""


def _nearest(seqs: set[int], seq: int) -> set[int]:
    older = sorted(one for one in seqs if one < seq)[-SHOWN:]
    newer = sorted(one for one in seqs if one > seq)[:SHOWN]
    return {*older, *newer}


def _around(rows: QuerySet[IndexedEvent], seq: int, most: int) -> list[IndexedEvent]:
    """The nearest on both sides, in one statement."""
    older = rows.filter(seq__lt=seq).order_by("-seq")[:most]
    newer = rows.filter(seq__gt=seq).order_by("seq")[:most]
    return list(older.union(newer, all=True))
