"""`record()`: the only writer of events, in the transaction of the act itself. No event, no act."""

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.types.numeric import Int2

from audit.commitments import OPENING_LENGTH, Committed, commit, leaf_hash
from audit.registry import REGISTRY, EventClass, EventType, What
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, current_actor
from semafore.kernel.database import prepared_cursor
from semafore.kernel.ids import uuid7
from semafore.kernel.tenancy import current_organisation_id


class NotRecordableError(RuntimeError):
    """An event outside a transaction, of a type that isn't registered, or with NUL in a text."""


NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""As canonical JSON writes it; an event with it would stop the sequencer of its log for ever."""

UNKNOWN = "unknown"
"""The kind of an id that the actor gave and that names nothing of theirs."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Something that an event names; the label is frozen as it reads now."""

    kind: str
    id: UUID | None = None
    label: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the `who` part."""
        return {"kind": self.kind, "id": self.id, "label": self.label}


@dataclass(frozen=True, slots=True)
class Fact:
    """One event to be recorded."""

    what: What
    target: Ref | None = None
    subject: Ref | None = None
    room: Ref | None = None
    recipients_root: bytes | None = None
    """Of a message: goes with the people in it (audit-log.md, Recipients root)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded event: its id, and its leaf hash, by which its place in the log is known."""

    event_id: UUID
    leaf: bytes


_within: ContextVar[list[UUID] | None] = ContextVar("recorded_within", default=None)


@contextmanager
def recorded_within() -> Iterator[list[UUID]]:
    """The ids of the organisation's events that are recorded within the block, as they come."""
    recorded: list[UUID] = []
    token = _within.set(recorded)
    try:
        yield recorded
    finally:
        _within.reset(token)


@dataclass(frozen=True, slots=True)
class EventParts:
    """An event, committed to and not yet written."""

    id: UUID
    event_class: EventClass
    committed: Committed


def record(
    what: What,
    *,
    target: Ref | None = None,
    subject: Ref | None = None,
    room: Ref | None = None,
    recipients_root: bytes | None = None,
) -> Recorded:
    """Record an act of the current actor in the organisation in scope.

    Raises NotRecordableError outside a transaction, ScopeError without an organisation,
    NoActorError without an actor.
    """
    return record_many([Fact(what, target, subject, room, recipients_root)])[0]


def record_many(facts: Sequence[Fact]) -> list[Recorded]:
    """Record several acts with one statement."""
    actor = current_actor()
    return write([_parts(fact, actor) for fact in facts], current_organisation_id())


def record_platform(what: What, *, target: Ref | None = None) -> Recorded:
    """Record an act that belongs to no organisation in the platform's own log."""
    return write([_parts(Fact(what, target), without_names(current_actor()))], None)[0]


def without_names(actor: Actor) -> Actor:
    """The actor as the platform's own log may name it: people of organisations by their ids alone.

    What an organisation's retention forgets must not stand in a log that is not the organisation's.
    """
    if actor.kind in {ActorKind.OPERATOR, ActorKind.SYSTEM}:
        return actor
    return replace(actor, label="")


def _parts(fact: Fact, actor: Actor) -> EventParts:
    event_type = fact.what.type
    if REGISTRY.get(event_type.name) is not event_type:
        message = f"{event_type.name} is not a registered event type"
        raise NotRecordableError(message)
    who = who_part(actor, fact)
    return event_parts(event_type, who, fact.what.data(), outcome="success", at=clock.now())


def who_part(actor: Actor, fact: Fact) -> dict[str, Any]:
    """The people in an event: always the same names, null where there is none."""
    return {
        "actor": {
            "kind": actor.kind,
            "id": actor.id,
            "label": actor.label,
            "member": actor.membership_id,
        },
        "target": fact.target and fact.target.as_json(),
        "subject": fact.subject and fact.subject.as_json(),
        "room": fact.room and fact.room.as_json(),
        "recipients_root": fact.recipients_root,
        "address": actor.address,
        "user_agent": actor.user_agent,
        "request_id": actor.request_id,
    }


def event_parts(
    event_type: EventType,
    who: dict[str, Any],
    data: dict[str, Any],
    *,
    outcome: str,
    at: datetime,
    attempts: dict[str, Any] | None = None,
) -> EventParts:
    """Commit to an event. `attempts` is for counted refusals."""
    event_id = uuid7()
    what = {
        "id": event_id,
        "type": event_type.name,
        "time": at,
        "outcome": outcome,
        "data": data,
    }
    if attempts is not None:
        what["attempts"] = attempts
    openings = (secrets.token_bytes(OPENING_LENGTH), secrets.token_bytes(OPENING_LENGTH))
    committed = commit(event_type.event_class, who, what, openings)
    if any(NUL.search(part) for part in (committed.who, committed.what)):
        message = f"{event_type.name} holds NUL, which PostgreSQL's JSON can't: no place for it"
        raise NotRecordableError(message)
    return EventParts(event_id, event_type.event_class, committed)


COLUMNS = (
    "id",
    "class",
    "who",
    "who_opening",
    "c_who",
    "what",
    "what_opening",
    "c_what",
)


def _statement(event_table: str, pending_table: str, *scope: str) -> str:
    """Both inserts in one round trip; `%(name)b` binds in binary, and bytes go as they are."""
    columns = [*scope, *COLUMNS]
    values = ", ".join(f"%({name})b" for name in columns)
    outbox = [*scope, "event_id", "entry"]
    outbox_values = ", ".join(f"%({name})b" for name in [*scope, "id", "entry"])
    return (
        f"WITH written AS (INSERT INTO {event_table} ({', '.join(columns)}) VALUES ({values}))"  # noqa: S608
        f" INSERT INTO {pending_table} ({', '.join(outbox)}) VALUES ({outbox_values})"
    )


WRITE = _statement("audit_event", "audit_pending", "organisation_id")
WRITE_PLATFORM = _statement("audit_platformevent", "audit_platformpending")


def write(events: Sequence[EventParts], organisation_id: UUID | None) -> list[Recorded]:
    """Insert events and their outbox rows; None means the platform's own log."""
    if not connection.in_atomic_block:
        message = "an event is written in the transaction of its act: none is open"
        raise NotRecordableError(message)
    rows = [_row(event, organisation_id) for event in events]
    with prepared_cursor() as cursor:
        statement = WRITE if organisation_id else WRITE_PLATFORM
        if len(rows) == 1:
            cursor.execute(statement, rows[0])
        else:
            # psycopg sends these in a pipeline: many rows, one wait.
            cursor.executemany(statement, rows)
    recorded = _within.get()
    if recorded is not None and organisation_id is not None:
        recorded.extend(event.id for event in events)
    return [Recorded(event.id, leaf_hash(event.committed.entry)) for event in events]


def _row(event: EventParts, organisation_id: UUID | None) -> dict[str, Any]:
    committed = event.committed
    return {
        "organisation_id": organisation_id,
        "id": event.id,
        "class": Int2(event.event_class),
        "who": committed.who,
        "who_opening": committed.who_opening,
        "c_who": committed.c_who,
        "what": committed.what,
        "what_opening": committed.what_opening,
        "c_what": committed.c_what,
        "entry": committed.entry,
    }
