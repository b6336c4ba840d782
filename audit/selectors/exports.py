"""Reads of exports: who sees which, and what each is to hold."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db.models import Q, QuerySet

from audit.commitments import entry_of, leaf_hash, plain
from audit.exports.rows import ExportedEvent
from audit.models import Export, ExportPart, ExportStatus, IndexedEvent
from audit.selectors.events import EventFilter, events
from audit.selectors.reading import Reader, reader_as
from audit.selectors.replica import from_replica
from semafore.kernel.database import prepared_cursor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import current_organisation_id

BATCH = 5000
"""Events that are held in memory at a time."""

MOMENTS = ("from_at", "to_at")
TEXTS = ("action", "outcome", "address")

EXPORTED = """
SELECT id, class, who, what, c_who, c_what FROM audit_event
WHERE organisation_id = %(organisation)s::uuid AND id = ANY(%(events)s::uuid[])
    AND what IS NOT NULL
"""

KEPT = """
SELECT id, class, who, who_opening, c_who, what, what_opening, c_what FROM audit_event
WHERE organisation_id = %(organisation)s::uuid AND id = ANY(%(events)s::uuid[])
"""


def exports(reader: Reader) -> QuerySet[Export]:
    """The organisation's exports, but for those that are about the reader and not their own."""
    found = Export.objects.all()
    if not reader.own:
        return found
    about_them = Q(people__has_any_keys=[str(one) for one in reader.own])
    by_others = Q(reader__isnull=True) | ~Q(reader__in=reader.own)
    return found.exclude(about_them & by_others)


def export(export_id: UUID, reader: Reader) -> Export:
    """One of them. Raises NotFound."""
    found = exports(reader).filter(id=export_id).first()
    if found is None:
        raise NotFound
    return found


def is_own(found: Export, reader: Reader) -> bool:
    """Whether it was made as this reader: others may not read all that is in it."""
    # Programs that nobody issued made theirs as nobody.
    return found.reader_id in (reader.own or {None})


def own_export(export_id: UUID, reader: Reader) -> Export:
    """One that was made as this reader, whose file they may have. Raises NotFound, NotPermitted."""
    found = export(export_id, reader)
    if not is_own(found, reader):
        raise NotPermitted(detail="It holds what somebody else may read. Ask for one of your own.")
    return found


def parts_of(found: Export) -> list[ExportPart]:
    """The objects of its file, in their order; without the one that is being stored."""
    return list(ExportPart.objects.filter(export=found, whole=True).order_by("number"))


def reader_of_export(found: Export) -> Reader:
    """As whom it was asked for."""
    return reader_as(found.reader_id, frozenset(map(Permission, found.permissions)))


def filter_as_json(chosen: EventFilter) -> dict[str, Any]:
    """What of a filter is given."""
    return dict(plain(chosen.given()))


def filter_of(given: Mapping[str, Any]) -> EventFilter:
    """The filter that `filter_as_json` wrote."""
    return EventFilter(**{name: _value(name, value) for name, value in given.items()})


def _value(name: str, value: str) -> Any:
    if name in MOMENTS:
        return datetime.fromisoformat(value)
    return value if name in TEXTS else UUID(value)


def matching(found: Export) -> QuerySet[IndexedEvent]:
    """The events that it is to hold, as many as are left of them."""
    chosen = filter_of(found.chosen)
    return events(reader_of_export(found), chosen).filter(seq__lt=found.size)


def batches(found: Export, *, after: int) -> Iterator[tuple[int, list[ExportedEvent]]]:
    """The same with their parts, in the order of the log, from behind a place on.

    With the last place of each batch, which may be of an event that retention has just taken.
    """
    rows = matching(found).order_by("seq").values_list("seq", "event_id")

    def read() -> tuple[list[tuple[int, UUID]], list[ExportedEvent]]:
        places = list(rows.filter(seq__gt=after)[:BATCH])
        return places, _opened(places) if places else []

    places, events = from_replica(read)
    while places:
        after = places[-1][0]
        yield after, events
        places, events = from_replica(read)


def _opened(places: Sequence[tuple[int, UUID]]) -> list[ExportedEvent]:
    """These events; without those that retention has taken since they were looked up."""
    seqs = {event_id: seq for seq, event_id in places}
    found = [
        ExportedEvent(
            seqs[event_id], event_id, event_class, leaf_hash(entry_of(event_class, *cs)), who, what
        )
        for event_id, event_class, who, what, *cs in _rows_of(EXPORTED, list(seqs))
    ]
    return sorted(found)


class Kept(NamedTuple):
    """What retention left of an event."""

    event_class: int
    who: bytes | None
    who_opening: bytes | None
    c_who: bytes
    what: bytes | None
    what_opening: bytes | None
    c_what: bytes


def kept_of(event_ids: list[UUID]) -> dict[UUID, Kept]:
    """What is left of these events, by id."""
    return {event_id: Kept(*columns) for event_id, *columns in _rows_of(KEPT, event_ids)}


def _rows_of(statement: str, event_ids: list[UUID]) -> Iterator[tuple[Any, ...]]:
    named: dict[str, Any] = {"organisation": current_organisation_id(), "events": event_ids}
    with prepared_cursor(binary=True) as cursor:
        cursor.execute(statement, named)
        yield from cursor.fetchall()


def unfinished() -> QuerySet[Export]:
    """What waits for a worker, or is being written."""
    return Export.objects.filter(status__in=(ExportStatus.WAITING, ExportStatus.RUNNING))


def organisation_name() -> str:
    """Of the organisation in scope."""
    organisations = apps.get_model("orgs", "Organisation").objects
    return str(organisations.values_list("name", flat=True).get(id=current_organisation_id()))
