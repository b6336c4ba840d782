"""Reads of events, as far as the reader's permissions go."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import Entry, Event, IndexedEvent
from audit.registry import REGISTRY, EventType
from audit.selectors.reading import Reader, may_read, may_read_type, unreadable
from audit.sentences import sentence
from semafore.kernel.actor import ActorKind
from semafore.kernel.database import prepared_cursor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

SWEPT = "retention.swept"

FIRST_RECORD = """
SELECT record.event_id, record.at FROM audit_event_index AS record
JOIN audit_event AS event
  ON event.organisation_id = record.organisation_id AND event.id = record.event_id
WHERE record.organisation_id = %(organisation)s AND record.type = 'retention.swept'
  AND record.seq > %(seq)s AND EXISTS (
    SELECT FROM jsonb_array_elements(
        convert_from(event.what, 'UTF8')::jsonb -> 'data' -> 'swept'
    ) AS swept
    WHERE (swept ->> 'class')::int = %(event_class)s AND swept ->> 'part' = %(part)s
      AND %(seq)s BETWEEN (swept ->> 'first')::bigint AND (swept ->> 'last')::bigint
  )
ORDER BY record.seq LIMIT 1
"""


COLUMNS = {
    "from_at": "at__gte",
    "to_at": "at__lt",
    "action": "type",
    "target": "target_id",
    "room": "room_id",
    "outcome": "outcome",
    "address": "address",
    "message": "message_id",
}
"""What a filter's field is compared with."""

BY_ACTOR = ("actor_member", "actor_id")
ANYWHERE = (*BY_ACTOR, "target_id", "subject_id", "room_id")


def _named(column: str, wanted: UUID) -> Q:
    """That a column names this id; who acts at the console is named as a member already."""
    named = Q(**{column: wanted})
    return named & ~Q(actor_kind=ActorKind.MEMBER) if column == "actor_id" else named


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: None or empty means any."""

    from_at: datetime | None = None
    to_at: datetime | None = None
    """Not included."""
    action: str = ""
    """A registered type."""
    actor: UUID | None = None
    """A membership, or a device of one."""
    target: UUID | None = None
    room: UUID | None = None
    outcome: str = ""
    address: str = ""
    message: UUID | None = None
    """The sender's own id of a message."""
    about: UUID | None = None
    """Whatever part it has: as who acts, what is acted on, or where."""

    def given(self) -> dict[str, Any]:
        """The filters that are set, by name."""
        every = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in every.items() if value}

    def condition(self) -> Q:
        """Of indexed events."""
        found = Q()
        for one in self.alternatives():
            found |= one
        return found

    def alternatives(self) -> list[Q]:
        """The same, one of which must hold; each names an id in one column, for an index."""
        common = Q()
        for name, column in COLUMNS.items():
            if wanted := getattr(self, name):
                common &= Q(**{column: wanted})
        found = [common]
        for wanted, columns in ((self.actor, BY_ACTOR), (self.about, ANYWHERE)):
            if wanted:
                found = [one & _named(column, wanted) for one in found for column in columns]
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """An event in a list; `who` and `what` as they were recorded, None where they are deleted."""

    row: IndexedEvent
    who: dict[str, Any] | None
    what: dict[str, Any] | None

    @property
    def sentence(self) -> str:
        """What happened, in plain words."""
        return sentence(self.what, self.who) if self.what else ""


def events(reader: Reader, chosen: EventFilter) -> QuerySet[IndexedEvent]:
    """The events that fit and that the reader may read."""
    return IndexedEvent.objects.filter(chosen.condition()).exclude(unreadable(reader))


def readable_types(permissions: Collection[Permission]) -> list[EventType]:
    """The types whose events they may read, by name."""
    types = (REGISTRY[name] for name in sorted(REGISTRY))
    return [one for one in types if may_read_type(one.event_class, one.name, permissions)]


def lines(rows: Iterable[IndexedEvent]) -> list[Line]:
    """Indexed events with what is left of their parts, in one statement."""
    found = list(rows)
    by_id = {
        event.id: event for event in Event.objects.filter(id__in=[row.event_id for row in found])
    }
    return [
        Line(row, *((_part(event.who), _part(event.what)) if event else (None, None)))
        for row in found
        for event in [by_id.get(row.event_id)]
    ]


def leaves_of(found: Iterable[Line]) -> dict[int, bytes]:
    """The leaf hashes of events in a list, by their places."""
    entries = Entry.objects.filter(seq__in=[line.row.seq for line in found])
    return {seq: bytes(leaf) for seq, leaf in entries.values_list("seq", "leaf")}


@dataclass(frozen=True, slots=True)
class OneEvent:
    """An event with its place in the log; all of it may be gone but the place."""

    id: UUID
    event_class: int
    who: dict[str, Any] | None
    what: dict[str, Any] | None
    entry: Entry | None
    """None while it waits for the sequencer."""
    row: Event | None
    """What is left of the event, its parts as the bytes that were hashed."""

    @property
    def sentence(self) -> str:
        """What happened, in plain words."""
        return sentence(self.what, self.who) if self.what else ""


def one_event(event_id: UUID, reader: Reader) -> OneEvent:
    """An event, placed or not. Raises NotFound, for what the reader may not read too."""
    event = Event.objects.filter(id=event_id).first()
    entry = Entry.objects.filter(event_id=event_id).first()
    if event is not None:
        parts = _part(event.who), _part(event.what)
        found = OneEvent(event_id, event.event_class, *parts, entry, event)
    elif entry is not None:
        found = OneEvent(event_id, bytes(entry.entry)[1], None, None, entry, None)
    else:
        raise NotFound
    event_type = found.what["type"] if found.what else ""
    if not may_read(found.event_class, event_type, found.who, reader):
        raise NotFound
    return found


def some_events(event_ids: Sequence[UUID], reader: Reader) -> list[OneEvent]:
    """Of these events, in this order, those that are there and that the reader may read."""
    by_id = {event.id: event for event in Event.objects.filter(id__in=event_ids)}
    entries = {entry.event_id: entry for entry in Entry.objects.filter(event_id__in=event_ids)}
    found = []
    for event_id in event_ids:
        event = by_id.get(event_id)
        what, who = (_part(event.what), _part(event.who)) if event else (None, None)
        if event and what and may_read(event.event_class, what["type"], who, reader):
            one = OneEvent(event_id, event.event_class, who, what, entries.get(event_id), event)
            found.append(one)
    return found


@dataclass(frozen=True, slots=True)
class DeletionRecord:
    """Where the log says that retention deleted something."""

    event_id: UUID
    at: datetime


def deletion_record(found: OneEvent, part: str) -> DeletionRecord | None:
    """The first record of a sweep that covers this part of an event."""
    if found.entry is None:
        return None
    parameters: dict[str, Any] = {
        "organisation": found.entry.organisation_id,
        "seq": found.entry.seq,
        "event_class": found.event_class,
        "part": part,
    }
    with prepared_cursor() as cursor:
        cursor.execute(FIRST_RECORD, parameters)
        row = cursor.fetchone()
    return DeletionRecord(*row) if row else None


def sweeps() -> QuerySet[IndexedEvent]:
    """The records of what retention deleted."""
    return IndexedEvent.objects.filter(type=SWEPT)


def _part(part: bytes | memoryview | None) -> dict[str, Any] | None:
    return None if part is None else json.loads(bytes(part))
