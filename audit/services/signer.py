"""The signer: heads become checkpoints, and none that forks from what was signed before.

What it last signed lies outside the database (`audit.state`), so that a database that went back is
noticed before anything is built on it.
"""

import logging
from enum import StrEnum

from django.db import transaction

from audit.events.log import LogHalted
from audit.logs import Log
from audit.selectors.checkpoints import SignedHead, latest_checkpoint
from audit.selectors.tree import TreeHead, consistency_proof, root_at, tree_head
from audit.services.checkpoints import publish_checkpoint, sign_head
from audit.services.incarnations import mark_restored
from audit.services.sequencer import locked_head, record_in
from audit.state import SignerState
from audit.verifier import VerificationError, verify_consistency
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor

logger = logging.getLogger(__name__)


class Refusal(StrEnum):
    """Why a log is not signed on."""

    STATE_MISSING = "state_missing"
    STATE_BEHIND = "state_behind"
    DATABASE_BEHIND = "database_behind"
    FORK = "fork"

    @property
    def meaning(self) -> str:
        """What has happened, in plain words."""
        return MEANINGS[self]

    @property
    def remedy(self) -> str:
        """What a person does about it (docs/log.md)."""
        return NEW_ORIGIN if self in {Refusal.DATABASE_BEHIND, Refusal.FORK} else ADOPT


MEANINGS = {
    Refusal.STATE_MISSING: "there are checkpoints, and the signer's file knows of none",
    Refusal.STATE_BEHIND: "there are later checkpoints than the signer's file knows of",
    Refusal.DATABASE_BEHIND: "the signer has signed more than the database holds",
    Refusal.FORK: "the tree is not the one that was signed",
}

ADOPT = (
    "bring back the file in LOG_STATE_DIR; if it is lost, `manage.py audit_log adopt` takes the "
    "newest checkpoint for the last one"
)
NEW_ORIGIN = (
    "bring back the whole database if you can; if not, `manage.py audit_log new-origin` goes on "
    "with what there is, and says for ever what was lost"
)


class RefusedError(Exception):
    """The log must neither grow nor be signed until a person has looked at it."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(f"{refusal.meaning} ({detail}). Remedy: {refusal.remedy}.")
        self.refusal = refusal


def check(log: Log, head: TreeHead, state: SignerState) -> None:
    """Hold the database against what was signed last. Raises RefusedError.

    The head is locked, or nobody else can sign: only so it can't be older than what was signed.
    """
    # Before the state is read: what is published was written down there earlier.
    latest = latest_checkpoint(log)
    last = state.last(log.log_id)
    if last is None:
        if latest:
            raise RefusedError(Refusal.STATE_MISSING, f"the newest has {latest.size} entries")
        return
    signed, number = last.head, log.origin_number(last.head.origin)
    if latest and (log.origin_number(latest.origin), latest.size) > (number, signed.size):
        detail = f"{latest.origin} has {latest.size}, the file says {signed.size}"
        raise RefusedError(Refusal.STATE_BEHIND, detail)
    if number != head.origin_number or signed.size > head.size:
        detail = f"{signed.size} entries of {signed.origin}, and there are {head.size}"
        raise RefusedError(Refusal.DATABASE_BEHIND, detail)
    if not has_root(log, signed):
        raise RefusedError(Refusal.FORK, f"another root at {signed.size}")


def has_root(log: Log, signed: SignedHead) -> bool:
    """Whether the log's tree, at the size that was signed, is what was signed."""
    try:
        return root_at(log, signed.size) == signed.root
    except (KeyError, ValueError):
        return False


def sign(log: Log, state: SignerState) -> SignedHead | None:
    """Sign the head, unless it is signed, and publish it; None for an empty log.

    Raises RefusedError. A kill between the two is made good by the next call.
    """
    with state.exclusive():
        head = tree_head(log)
        check(log, head, state)
        last = state.last(log.log_id)
        if last and not last.published:
            publish(log, last.head, state)
        if last and last.head.size == head.size:
            signed = last.head
        elif not head.size:
            return None
        else:
            signed = _signed(log, head, last.head if last else None)
            state.remember(log.log_id, signed)
    publish(log, signed, state)
    return signed


def _signed(log: Log, head: TreeHead, last: SignedHead | None) -> SignedHead:
    if last and not goes_on(log, last, head):
        raise RefusedError(Refusal.FORK, f"no way from {last.size} to {head.size} entries")
    return sign_head(log, head)


def goes_on(log: Log, last: SignedHead, head: TreeHead) -> bool:
    """Whether the head's tree is the last signed one, and what came after it."""
    try:
        proof = consistency_proof(log, old_size=last.size, size=head.size)
        verify_consistency(last.size, head.size, proof, last.root, head.root)
    except (KeyError, ValueError, IndexError, VerificationError):
        return False
    return True


RESUME = """
UPDATE {t}head SET halted_at = NULL, halted_reason = '' WHERE {own}halted_at IS NOT NULL
"""


def publish(log: Log, signed: SignedHead, state: SignerState) -> None:
    """Let everybody see what was written down; a log that is signed is no longer halted."""
    with transaction.atomic(), prepared_cursor() as cursor:
        publish_checkpoint(log, signed)
        cursor.execute(log.sql(RESUME), log.parameters())
        resumed = cursor.rowcount
    state.note_published(log.log_id, signed)
    if resumed:
        logger.warning("%s goes on from %d entries", signed.origin, signed.size)


HALT = """
UPDATE {t}head SET halted_at = %(now)s, halted_reason = %(reason)s
WHERE {own}halted_reason <> %(reason)s
"""


def halt(log: Log, state: SignerState) -> RefusedError | None:
    """Note that the log is refused, if it still is while nobody else signs; what was refused.

    Once for each reason: the head says so to the console, and an event waits to say it for ever.
    Where the database lacks what was signed, devices wait too (ADR 0019).
    """
    with state.exclusive():
        try:
            check(log, tree_head(log), state)
        except RefusedError as error:
            refused = error
            if error.refusal is Refusal.DATABASE_BEHIND:
                mark_restored()
        else:
            return None
    with transaction.atomic(), prepared_cursor() as cursor:
        locked_head(log)
        cursor.execute(log.sql(HALT), log.parameters(now=clock.now(), reason=refused.refusal))
        if cursor.rowcount:
            record_in(log, LogHalted(reason=refused.refusal))
    return refused
