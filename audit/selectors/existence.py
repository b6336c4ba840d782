"""Messages as the log knows them: by their id, by a ciphertext's hash, by the minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from audit.logs import Log, current_log
from audit.models import IndexedEvent
from audit.registry import EventClass
from audit.selectors.checkpoints import SignedHead
from audit.selectors.events import (
    DeletionRecord,
    EventFilter,
    Line,
    OneEvent,
    deletion_record,
    events,
    lines,
    one_event,
)
from audit.selectors.proofs import EventProof, event_proof, events_of_content
from audit.selectors.reading import Reader, unreadable
from semafore.kernel.database import prepared_cursor
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id

ACCEPTED = ("message.accepted", "broadcast.accepted")
"""The types whose events commit to ciphertexts (`content_root` in `what`)."""

PROVED = "audit.existence_proved"

MINUTE = timedelta(minutes=1)

# Those without a place stand in no index; there are as many as wait for the sequencer.
WAITING = """
SELECT event.id FROM audit_pending AS pending
JOIN audit_event AS event
  ON event.organisation_id = pending.organisation_id AND event.id = pending.event_id
WHERE pending.organisation_id = %(organisation)s::uuid AND event.class = %(transit)s::smallint
  AND convert_from(event.what, 'UTF8')::jsonb ->> 'type' = ANY(%(types)s::text[])
  AND convert_from(event.what, 'UTF8')::jsonb -> 'data' ->> 'message_id' = %(message)s::text
ORDER BY pending.id
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which message: by its sender's own id, or by the SHA-256 (32 bytes) of a ciphertext."""

    message_id: UUID | None = None
    ciphertext_sha256: bytes | None = None

    def __post_init__(self) -> None:
        """Exactly one of them. Raises ValueError."""
        if (self.message_id is None) is (self.ciphertext_sha256 is None):
            raise ValueError("either a message id or the hash of a ciphertext")

    def given(self) -> dict[str, Any]:
        """What was asked by, by its name."""
        if self.message_id is not None:
            return {"message": self.message_id}
        return {"ciphertext_sha256": self.ciphertext_sha256}


@dataclass(frozen=True, slots=True)
class Transit:
    """That a message transited: its event, the proof of it, and what retention took of it."""

    event: OneEvent
    proof: EventProof
    ciphertext_sha256: bytes | None
    deleted: DeletionRecord | None
    """Where the log says that the people in it were deleted."""

    @property
    def checkpoint(self) -> SignedHead:
        """What the proof leads up to."""
        return self.proof.checkpoint


def events_asked_for(asked: Asked) -> list[UUID]:
    """The events of the message, placed or not, oldest first; none where nothing fits.

    A hash may be in several messages, an id too once retention has forgotten the first.
    """
    if asked.ciphertext_sha256 is not None:
        found = events_of_content(current_log(), sha256=asked.ciphertext_sha256)
        return [event_id for event_id, _ in found]
    # First those that wait: what is sequenced in between is found by the second look.
    waiting = _waiting(asked.message_id)
    rows = IndexedEvent.objects.filter(message_id=asked.message_id, type__in=ACCEPTED)
    placed = list(rows.order_by("seq").values_list("event_id", flat=True))
    return [*placed, *(one for one in waiting if one not in placed)]


def transit(
    log: Log, *, event_id: UUID, ciphertext_sha256: bytes | None, reader: Reader
) -> Transit | None:
    """A message's event with its proof; None while no checkpoint covers it.

    Raises NotFound, also for what the reader may not read, and once `what` is deleted.
    """
    found = one_event(event_id, reader)
    if found.what is None:
        raise NotFound
    proof = event_proof(
        log, event_id=event_id, open_parts={"who", "what"}, content=ciphertext_sha256
    )
    if proof is None:
        return None
    deleted = None if found.who else deletion_record(found, "who")
    return Transit(found, proof, ciphertext_sha256, deleted)


def proofs_taken(reader: Reader) -> QuerySet[IndexedEvent]:
    """The events of proofs that were handed out, as far as the reader may know of them."""
    return events(reader, EventFilter(action=PROVED))


def accepted_within(minute: datetime, reader: Reader) -> QuerySet[IndexedEvent]:
    """The messages that were accepted in the minute that begins then."""
    rows = IndexedEvent.objects.filter(
        event_class=EventClass.TRANSIT,
        what_kept=True,
        at__gte=minute,
        at__lt=minute + MINUTE,
        type__in=ACCEPTED,
    )
    return rows.exclude(unreadable(reader))


def senders_and_rooms(
    messages: QuerySet[IndexedEvent],
) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """Who sent these messages and in which rooms: labels by id, as the first event of each says."""
    return (
        _labels(messages, "actor_member", "actor"),
        _labels(messages, "room_id", "room"),
    )


def _labels(messages: QuerySet[IndexedEvent], column: str, role: str) -> dict[UUID, str]:
    firsts = messages.exclude(**{column: None}).order_by(column, "seq").distinct(column)
    found = {getattr(line.row, column): _label(line, role) for line in lines(firsts)}
    return dict(sorted(found.items(), key=lambda one: (one[1].lower(), str(one[0]))))


def _label(line: Line, role: str) -> str:
    one = line.who and line.who[role]
    return str(one["label"]) if one else ""


def _waiting(message_id: UUID | None) -> Sequence[UUID]:
    with prepared_cursor() as cursor:
        cursor.execute(
            WAITING,
            {
                "organisation": current_organisation_id(),
                "transit": int(EventClass.TRANSIT),
                "types": list(ACCEPTED),
                "message": str(message_id),
            },
        )
        return [event_id for (event_id,) in cursor.fetchall()]
