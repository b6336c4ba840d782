"""A log of a million entries: a sample of whole events among entries that stand for the others."""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID, uuid4

from django.db import connection, transaction

from audit.commitments import ENTRY_LENGTH, ENTRY_VERSION, leaf_hash
from audit.logs import Log, log_of
from audit.registry import EventClass
from audit.selectors.tree import tree_head
from audit.services.checkpoints import publish_checkpoint, sign_head
from audit.services.contents import content_root, note_contents
from audit.services.recording import record
from audit.services.sequencer import _grow, sequence
from messaging.events.messages import MessageAccepted
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope

PARTS = 20
"""The sample comes in so many, spread over the log."""
CIPHERTEXTS = 50
"""Of each message in the sample."""
BATCH = 65_536
PREFIX = ENTRY_VERSION + bytes([EventClass.TRANSIT])

COPY = "COPY audit_entry (organisation_id, seq, event_id, entry, leaf) FROM STDIN (FORMAT BINARY)"


@dataclass(frozen=True, slots=True)
class Sampled:
    """An event that is there as the application writes it, and one of its ciphertexts."""

    event_id: UUID
    content: bytes


def fill(organisation_id: UUID, *, entries: int, sample: int) -> list[Sampled]:
    """So many entries under a checkpoint, the sample of messages among them."""
    log, sampled = log_of(organisation_id), []
    for part in range(1, PARTS + 1):
        sampled += [_message(organisation_id) for _ in range(sample // PARTS)]
        while sequence(log):
            pass
        while (size := tree_head(log).size) < entries * part // PARTS:
            _stand_in(log, size, min(BATCH, entries * part // PARTS - size))
    publish_checkpoint(log, sign_head(log, tree_head(log)))
    return sampled


def _message(organisation_id: UUID) -> Sampled:
    hashes = [sha256(secrets.token_bytes(32)).digest() for _ in range(CIPHERTEXTS)]
    with acting_as(SYSTEM), organisation_scope(organisation_id), transaction.atomic():
        recorded = record(
            MessageAccepted(
                message_id=uuid4(),
                content_root=content_root(hashes),
                envelopes=CIPHERTEXTS,
                skipped=0,
                total_bytes=600 * CIPHERTEXTS,
                commitment=None,
            )
        )
        note_contents(event_id=recorded.event_id, hashes=hashes)
    return Sampled(recorded.event_id, secrets.choice(hashes))


@transaction.atomic
def _stand_in(log: Log, size: int, number: int) -> None:
    """Entries of events that are gone, in their places, and the tiles over them."""
    entries = [PREFIX + secrets.token_bytes(ENTRY_LENGTH - len(PREFIX)) for _ in range(number)]
    leaves = [leaf_hash(entry) for entry in entries]
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(["uuid", "int8", "uuid", "bytea", "bytea"])
        for seq, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), size):
            copy.write_row((log.organisation_id, seq, uuid4(), entry, leaf))
    _grow(log, size, leaves)
