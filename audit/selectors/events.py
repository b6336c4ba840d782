"""Reads of events, as far as the reader's permissions go."""

import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import Entry, Event, IndexedEvent
from audit.registry import REGISTRY, EventType
from audit.selectors.reading import may_read, unreadable
from audit.sentences import sentence
from semafore.kernel.database import prepared_cursor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

Permissions = AbstractSet[Permission]

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


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: None or empty means any."""

    type: str = ""
    actor: UUID | None = None
    """A membership, or a device of one."""
    target: UUID | None = None
    room: UUID | None = None
    about: UUID | None = None
    """Whatever part it has: as who acts, what is acted on, or where."""

    def given(self) -> dict[str, Any]:
        """The filters that are set, by name."""
        every = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in every.items() if value}

    def condition(self) -> Q:
        """Of indexed events."""
        found = Q(type=self.type) if self.type else Q()
        if self.actor:
            found &= Q(actor_member=self.actor) | Q(actor_id=self.actor)
        if self.target:
            found &= Q(target_id=self.target)
        if self.room:
            found &= Q(room_id=self.room)
        if self.about:
            places = ("actor_member", "actor_id", "target_id", "subject_id", "room_id")
            anywhere = Q()
            for place in places:
                anywhere |= Q(**{place: self.about})
            found &= anywhere
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


def events(permissions: Permissions, chosen: EventFilter) -> QuerySet[IndexedEvent]:
    """The events that fit and that these permissions may read."""
    return IndexedEvent.objects.filter(chosen.condition()).exclude(unreadable(permissions))


def readable_types(permissions: Permissions) -> list[EventType]:
    """The types whose events they may read, by name."""
    types = (REGISTRY[name] for name in sorted(REGISTRY))
    return [one for one in types if may_read(one.event_class, one.name, permissions)]


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


@dataclass(frozen=True, slots=True)
class OneEvent:
    """An event with its place in the log; all of it may be gone but the place."""

    id: UUID
    event_class: int
    who: dict[str, Any] | None
    what: dict[str, Any] | None
    entry: Entry | None
    """None while it waits for the sequencer."""

    @property
    def sentence(self) -> str:
        """What happened, in plain words."""
        return sentence(self.what, self.who) if self.what else ""


def one_event(event_id: UUID, permissions: Permissions) -> OneEvent:
    """An event, placed or not. Raises NotFound, for what these permissions may not read too."""
    event = Event.objects.filter(id=event_id).first()
    entry = Entry.objects.filter(event_id=event_id).first()
    if event is not None:
        found = OneEvent(event_id, event.event_class, _part(event.who), _part(event.what), entry)
    elif entry is not None:
        found = OneEvent(event_id, bytes(entry.entry)[1], None, None, entry)
    else:
        raise NotFound
    event_type = found.what["type"] if found.what else ""
    if not may_read(found.event_class, event_type, permissions):
        raise NotFound
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
