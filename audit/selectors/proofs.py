"""Proofs: that an event stands in the log, that a ciphertext transited, that the log only grew."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from audit.logs import Log
from audit.proofs import Part, content_shown, parts_shown, tlog_proof
from audit.selectors.checkpoints import SignedHead, checkpoint_of_size, latest_checkpoint
from audit.selectors.tree import consistency_proof, inclusion_proof
from semafore.kernel.database import prepared_cursor
from semafore.kernel.problems import NotFound

PartName = Literal["who", "what"]

PLACED = """
SELECT entry.seq, entry.entry, event.who, event.who_opening, event.c_who,
    event.what, event.what_opening, event.c_what
FROM (SELECT %(event)s::uuid AS id) AS asked
LEFT JOIN {t}entry AS entry ON {own:entry.}entry.event_id = asked.id
LEFT JOIN {t}event AS event ON {own:event.}event.id = asked.id
WHERE entry.seq IS NOT NULL OR event.id IS NOT NULL
"""

CONTENTS = """
SELECT sha256 FROM audit_content
WHERE organisation_id = %(organisation)s::uuid AND event_id = %(event)s::uuid
"""

EVENTS_OF_CONTENT = """
SELECT DISTINCT content.event_id, entry.seq
FROM audit_content AS content
LEFT JOIN audit_entry AS entry
  ON entry.organisation_id = content.organisation_id AND entry.event_id = content.event_id
WHERE content.organisation_id = %(organisation)s::uuid AND content.sha256 = %(sha256)s::bytea
ORDER BY entry.seq
"""


@dataclass(frozen=True, slots=True)
class EventProof:
    """An event's place in the log, and the tlog-proof of it."""

    seq: int
    event_class: int
    checkpoint: SignedHead
    text: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An event in its place; `parts` are empty once the event's row is gone."""

    seq: int
    entry: bytes
    parts: tuple[Part, ...]

    @property
    def event_class(self) -> int:
        """The entry's second byte."""
        return self.entry[1]

    def shown(self, opened: frozenset[str]) -> dict[str, Any]:
        """What the proof says of it: its parts, or of an event that is gone the entry."""
        shown = parts_shown(self.parts, opened) if self.parts else {"entry": self.entry}
        return {"class": self.event_class, **shown}


@dataclass(frozen=True, slots=True)
class Consistency:
    """Two checkpoints, and the hashes that prove the new one to go on from the old one."""

    old: SignedHead
    new: SignedHead
    hashes: list[bytes]


def event_proof(
    log: Log, *, event_id: UUID, open_parts: AbstractSet[PartName], content: bytes | None = None
) -> EventProof | None:
    """The proof of an event under the newest checkpoint; None while it isn't yet under one.

    `content` is the SHA-256 of one of its ciphertexts, to be proved along with it. Raises NotFound
    where the log has no such event, or the event no such ciphertext.
    """
    placed = _placed(log, event_id)
    proved = {} if content is None else {"content": _content(log, event_id, content)}
    signed = latest_checkpoint(log)
    if placed is None or signed is None or signed.size <= placed.seq:
        return None
    text = tlog_proof(
        index=placed.seq,
        hashes=inclusion_proof(log, seq=placed.seq, size=signed.size),
        note=signed.note,
        extra=placed.shown(frozenset(open_parts)) | proved,
    )
    return EventProof(placed.seq, placed.event_class, signed, text)


def events_of_content(log: Log, *, sha256: bytes) -> list[tuple[UUID, int | None]]:
    """The events that committed to a ciphertext of this hash, each with its place, oldest first.

    No place is None: not yet sequenced. Needs neither the message's row nor the people in it.
    """
    if log.organisation_id is None:
        return []
    with prepared_cursor() as cursor:
        cursor.execute(EVENTS_OF_CONTENT, log.parameters(sha256=sha256))
        return list(cursor.fetchall())


def consistency(log: Log, *, old_size: int, size: int) -> Consistency:
    """The proof between two published checkpoints. Raises NotFound unless both sizes are such."""
    old, new = checkpoint_of_size(log, old_size), checkpoint_of_size(log, size)
    if old is None or new is None or not 0 < old_size <= size:
        raise NotFound
    return Consistency(old, new, consistency_proof(log, old_size=old_size, size=size))


def _placed(log: Log, event_id: UUID) -> Placed | None:
    """The event in its place; None while it waits for one. Raises NotFound."""
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(PLACED), log.parameters(event=event_id))
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    seq, entry, *columns = row
    if seq is None:
        return None
    who, who_opening, c_who, what, what_opening, c_what = map(_bytes, columns)
    if c_who is None or c_what is None:
        return Placed(seq, bytes(entry), ())
    parts = Part("who", who, who_opening, c_who), Part("what", what, what_opening, c_what)
    return Placed(seq, bytes(entry), parts)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def _content(log: Log, event_id: UUID, sha256: bytes) -> dict[str, Any]:
    """The proof of one of an event's ciphertexts for `extra`. Raises NotFound."""
    if log.organisation_id is None:
        raise NotFound
    with prepared_cursor() as cursor:
        cursor.execute(CONTENTS, log.parameters(event=event_id))
        siblings = [bytes(one) for (one,) in cursor.fetchall()]
    try:
        return content_shown(sha256, siblings)
    except ValueError:
        raise NotFound from None
