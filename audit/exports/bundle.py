"""The evidence bundle of an export (docs/evidence.md)."""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TypeVar

from audit.exports.summary import filter_in_words
from audit.logs import current_log
from audit.models import Export
from audit.selectors import bundles
from audit.selectors.checkpoints import checkpoint_of_size
from audit.selectors.exports import organisation_name
from audit.selectors.log_keys import checkpoint_vkeys, receipt_vkeys
from audit.services.evidence import Heading, Sources, write_bundle

T = TypeVar("T")
OFTEN = 1000


def count(found: Export) -> int:
    """The lines that it is to hold."""
    return bundles.in_bundle(found).count()


def write(found: Export, file: BinaryIO, progress: Callable[[int], None]) -> int:
    """Write it; how many events it holds."""
    log = current_log()
    checkpoint = checkpoint_of_size(log, found.size)
    if checkpoint is None:
        raise ValueError(f"the log has no checkpoint of size {found.size}")
    heading = Heading(
        organisation=organisation_name(),
        log_id=log.log_id,
        origin=checkpoint.origin,
        size=checkpoint.size,
        complete=bundles.is_complete(found),
        made_at=found.requested_at,
        made_by=found.requested_by,
        selection=_selection(found),
        reason=found.reason,
        case_reference=found.case_reference,
    )
    sources = Sources(
        checkpoint=checkpoint.note,
        earlier_checkpoints=bundles.earlier_notes(log, found.size),
        checkpoint_keys=checkpoint_vkeys(log),
        receipt_keys=receipt_vkeys(log),
        entries=_told(bundles.entries(log, found.size), lambda _: progress(0)),
        events=_told(bundles.lines(found), progress),
        documents={"policy-history.json": bundles.policy_history(found)},
    )
    return write_bundle(file, heading=heading, sources=sources)


def _selection(found: Export) -> str:
    """Which events, in plain words."""
    if bundles.is_complete(found):
        return "All events that retention has not deleted."
    filters = ", ".join(f"{label}: {value}" for label, value in filter_in_words(found))
    return f"{filters}; and every event of retention and of the log itself."


def _told(items: Iterable[T], progress: Callable[[int], None]) -> Iterator[T]:
    """The same, while somebody is told how many have passed."""
    for number, item in enumerate(items, 1):
        yield item
        if number % OFTEN == 0:
            progress(number)
