"""Proofs that a message transited: each that is handed out is an event, and each look at one."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.events.existence import ExistenceProved
from audit.events.reading import AuditSearched, AuditViewed
from audit.logs import current_log
from audit.selectors.events import EventFilter, Line, OneEvent, lines, one_event
from audit.selectors.existence import (
    MINUTE,
    PROVED,
    Asked,
    Transit,
    accepted_within,
    events_asked_for,
    proofs_taken,
    senders_and_rooms,
    transit,
)
from audit.selectors.reading import Reader
from audit.services.looks import record_search
from audit.services.recording import Fact, Ref, record, record_many
from semafore.kernel.paging import paginate
from semafore.kernel.problems import NotFound

MOST_PROOFS = 50
"""At once, the oldest: whoever sends the same bytes again and again makes as many events."""


@dataclass(frozen=True, slots=True)
class Proved:
    """A message that was proved, and the event that records it."""

    transit: Transit
    record_id: UUID


@dataclass(frozen=True, slots=True)
class Existence:
    """What came of a question; without `found`, the log knows of no such message."""

    proved: list[Proved]
    found: int
    """Events that fit; more than were proved where some wait, or there are over `MOST_PROOFS`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A proof that was handed out, made again under the newest checkpoint."""

    record: OneEvent
    data: dict[str, Any]
    """What the record says."""
    transit: Transit | None
    """None once retention has deleted what the proof is of."""


@dataclass(frozen=True, slots=True)
class TakenPage:
    """Some of the proofs that were handed out, the newest first."""

    lines: list[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class MinutePage:
    """Messages of a minute in the order of the log; who sent any, and in which rooms, by id."""

    lines: list[Line]
    next: str | None
    senders: dict[UUID, str]
    rooms: dict[UUID, str]


@transaction.atomic
def prove_existence(*, asked: Asked, reader: Reader, reason: str, case_reference: str) -> Existence:
    """Prove that a message, or a ciphertext of one, transited; nothing proved is a search.

    What isn't under a checkpoint yet is found and not proved.
    """
    log, found = current_log(), events_asked_for(asked)
    proved, waiting, gone, sha256 = [], [], 0, asked.ciphertext_sha256
    for event_id in found[:MOST_PROOFS]:
        try:
            one = transit(log, event_id=event_id, ciphertext_sha256=sha256, reader=reader)
        except NotFound:
            gone += 1
        else:
            if one is None:
                waiting.append(event_id)
            else:
                proved.append(one)
    if not proved:
        looked_at = one_event(waiting[0], reader).who if waiting else None
        searched = AuditSearched(filters=asked.given(), newest=None, oldest=None)
        record(searched, subject=_sender(looked_at))
        return Existence([], len(found) - gone)
    recorded = record_many([_fact(one, reason, case_reference) for one in proved])
    made = [Proved(one, event.event_id) for one, event in zip(proved, recorded, strict=True)]
    return Existence(made, len(found) - gone)


def _fact(one: Transit, reason: str, case_reference: str) -> Fact:
    what = ExistenceProved(
        event_id=one.event.id,
        message_id=UUID(_what(one.event)["data"]["message_id"]),
        ciphertext_sha256=one.ciphertext_sha256,
        reason=reason,
        case_reference=case_reference,
    )
    return Fact(what, target=Ref("event", one.event.id), subject=_sender(one.event.who))


def _what(event: OneEvent) -> dict[str, Any]:
    if event.what is None:
        raise NotFound
    return event.what


def _sender(who: dict[str, Any] | None) -> Ref | None:
    """The person whose device sent it: whom a proof examines."""
    actor = who and who["actor"]
    if not actor or not actor["member"]:
        return None
    return Ref("member", UUID(actor["member"]), actor["label"])


@transaction.atomic
def view_proof(*, record_id: UUID, reader: Reader) -> Taken:
    """A proof that was handed out, again. Raises NotFound, for what the reader may not read too."""
    recorded = one_event(record_id, reader)
    what = _what(recorded)
    if what["type"] != PROVED:
        raise NotFound
    subject = recorded.who and recorded.who["subject"]
    record(
        AuditViewed(event_id=record_id),
        target=Ref("event", record_id),
        subject=Ref(subject["kind"], UUID(subject["id"]), subject["label"]) if subject else None,
    )
    return Taken(recorded, what["data"], _again(what["data"], reader))


def _again(data: dict[str, Any], reader: Reader) -> Transit | None:
    asked = data["ciphertext_sha256"]
    try:
        return transit(
            current_log(),
            event_id=UUID(data["event_id"]),
            ciphertext_sha256=None if asked is None else b64decode(asked),
            reader=reader,
        )
    except NotFound:
        return None


@transaction.atomic
def list_proofs(*, reader: Reader, cursor: str | None) -> TakenPage:
    """Proofs that were handed out. Raises Malformed for a foreign cursor."""
    page = paginate(proofs_taken(reader), by=("-seq",), cursor=cursor)
    found = lines(page.rows)
    record_search(EventFilter(action=PROVED), found)
    return TakenPage(found, page.next)


@transaction.atomic
def search_messages(
    *,
    minute: datetime,
    sender: UUID | None,
    room: UUID | None,
    reader: Reader,
    cursor: str | None,
) -> MinutePage:
    """The messages of the minute that begins then. Raises Malformed for a foreign cursor.

    `sender` is a membership, `room` a room; None means any.
    """
    every = accepted_within(minute, reader)
    senders, rooms = senders_and_rooms(every)
    wanted = {"actor_member": sender, "room_id": room}
    chosen = every.filter(**{name: value for name, value in wanted.items() if value})
    page = paginate(chosen, by=("seq",), cursor=cursor)
    found = lines(page.rows)
    filters = {"from_at": minute, "to_at": minute + MINUTE, "actor": sender, "room": room}
    _record_search(
        {name: value for name, value in filters.items() if value},
        found[::-1],
        subject=Ref("member", sender, senders.get(sender, "")) if sender else None,
    )
    return MinutePage(found, page.next, senders, rooms)


def _record_search(
    filters: dict[str, Any], newest_first: list[Line], subject: Ref | None = None
) -> None:
    newest, oldest = (
        (newest_first[0].row.seq, newest_first[-1].row.seq) if newest_first else (None, None)
    )
    record(AuditSearched(filters=filters, newest=newest, oldest=oldest), subject=subject)
