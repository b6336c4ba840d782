"""What a person does about a log that is halted (docs/log.md, ADR 0013)."""

from django.db import transaction

from audit.events.log import LogAdopted, OriginStarted
from audit.logs import Log
from audit.selectors.checkpoints import SignedHead, latest_checkpoint, latest_until
from audit.selectors.tree import TreeHead, tree_head
from audit.services.checkpoints import sign_head
from audit.services.keys import announce_keys
from audit.services.sequencer import locked_head, record_in, record_next
from audit.services.signer import has_root, publish
from audit.state import SignerState
from semafore.kernel.database import prepared_cursor


class NothingToDoError(Exception):
    """The log doesn't need this, or it wouldn't help."""


def adopt(*, log: Log, state: SignerState, reason: str) -> SignedHead:
    """Take the newest published checkpoint for what the signer signed last, and sign on from it.

    Raises NothingToDoError unless the file knows less than that, and the tree has its root.
    """
    with state.exclusive():
        newest = latest_checkpoint(log)
        if newest is None:
            raise NothingToDoError("nothing was published: there is nothing to adopt")
        last = state.last(log.log_id)
        if last and _order(log, last.head) >= _order(log, newest):
            raise NothingToDoError(f"the file knows of {last.head.size} entries already")
        if not has_root(log, newest):
            raise NothingToDoError("the tree is not the one of the newest checkpoint")
        with transaction.atomic():
            record_in(log, LogAdopted(size=newest.size, root=newest.root, reason=reason))
            state.remember(log.log_id, newest)
    publish(log, newest, state)
    return newest


def _order(log: Log, signed: SignedHead) -> tuple[int, int]:
    return log.origin_number(signed.origin), signed.size


MOVE_ORIGIN = """
UPDATE {t}head SET origin_number = %(number)s WHERE {own}true
"""


def start_origin(*, log: Log, state: SignerState, reason: str) -> SignedHead:
    """Go on under a new name with the entries that there are; the next one says what was lost.

    Raises NothingToDoError where the tree goes on from what was signed last. A call that was
    interrupted is finished by the next one.
    """
    with state.exclusive():
        last = state.last(log.log_id)
        if last is None:
            raise NothingToDoError("the file knows of no checkpoint: adopt the newest one first")
        with transaction.atomic():
            head = locked_head(log)
            if head.origin_number <= log.origin_number(last.head.origin):
                head = _start(log, head, last.head, reason)
            head = announce_keys(log, head)
        signed = sign_head(log, head)
        state.remember(log.log_id, signed)
    publish(log, signed, state)
    return signed


def _start(log: Log, head: TreeHead, last: SignedHead, reason: str) -> TreeHead:
    previous = log.origin_number(last.origin)
    whole = has_root(log, last)
    if whole and previous == head.origin_number:
        raise NothingToDoError("the tree goes on from what was signed last: nothing is lost")
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(MOVE_ORIGIN), log.parameters(number=previous + 1))
    started = OriginStarted(
        origin=log.origin(previous + 1),
        previous_origin=last.origin,
        previous_size=last.size,
        previous_root=last.root,
        lost_from=_lost_from(log, head, last),
        lost_to=last.size,
        reason=reason,
    )
    return record_next(log, head, started)[1]


def lost_entries(log: Log, state: SignerState) -> range | None:
    """The places of entries that were signed and aren't in the database; None where all are."""
    last, head = state.last(log.log_id), tree_head(log)
    if last is None or log.origin_number(last.head.origin) < head.origin_number:
        return None
    if log.origin_number(last.head.origin) == head.origin_number and has_root(log, last.head):
        return None
    return range(_lost_from(log, head, last.head), last.head.size)


def _lost_from(log: Log, head: TreeHead, last: SignedHead) -> int:
    return head.size if head.size < last.size else kept_size(log, last)


def kept_size(log: Log, last: SignedHead) -> int:
    """How far a forked tree is still the one that was signed, as far as checkpoints can show.

    They are found by halves: whatever the tree still has the root of, it has all before it.
    """
    kept, low, high = 0, 0, last.size
    while low < high:
        middle = (low + high + 1) // 2
        signed = latest_until(log, middle)
        if signed is None or signed.size <= kept:
            low = middle
        elif has_root(log, signed):
            kept, low = signed.size, middle
        else:
            high = signed.size - 1
    return kept
