"""Reading audit data: each look is an event, in the transaction of the look."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.logs import current_log
from audit.selectors.events import EventFilter, Line, OneEvent, leaves_of, lines, one_event
from audit.selectors.pages import next_events, previous_events
from audit.selectors.proofs import EventProof, event_proof
from audit.selectors.reading import Reader
from audit.selectors.related import Neighbours, Related, neighbours, related
from audit.selectors.replica import from_replica
from audit.services.looks import record_search, record_view
from semafore.kernel.paging import PAGE_SIZE, open_cursor, seal_cursor

NEWEST_FIRST = ("-seq",)
OLDEST_FIRST = ("seq",)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the list, and the cursor to what is older; None on the last page."""

    lines: list[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class Followed:
    """Events in the order of the log, and the cursor to what comes after, now or later."""

    lines: list[Line]
    leaves: dict[int, bytes]
    """Their leaf hashes by place."""
    next: str


@dataclass(frozen=True, slots=True)
class Surrounded:
    """An event, and what stands around it."""

    event: OneEvent
    related: Related
    next: Neighbours
    """Among those that a search finds."""


@transaction.atomic
def search_events(*, reader: Reader, chosen: EventFilter, cursor: str | None) -> Found:
    """Events in the order of the log, the newest first. Raises Malformed for a foreign cursor."""
    before = open_cursor(NEWEST_FIRST, cursor)[0] if cursor else None

    def read() -> tuple[list[Line], bool]:
        rows = previous_events(reader, chosen, before=before, limit=PAGE_SIZE + 1)
        return lines(rows[:PAGE_SIZE]), len(rows) > PAGE_SIZE

    found, more = from_replica(read)
    record_search(chosen, found)
    return Found(found, seal_cursor(NEWEST_FIRST, [found[-1].row.seq]) if more else None)


@transaction.atomic
def follow_events(
    *, reader: Reader, chosen: EventFilter, cursor: str | None, limit: int
) -> Followed:
    """Up to `limit` events after the cursor, the oldest first. Raises Malformed.

    Places are given in the order in which they become visible: who asks on with each answer's
    cursor misses no event and sees none twice.
    """
    after = open_cursor(OLDEST_FIRST, cursor)[0] if cursor else -1

    def read() -> tuple[list[Line], dict[int, bytes]]:
        found = lines(next_events(reader, chosen, after=after, limit=limit))
        return found, leaves_of(found)

    found, leaves = from_replica(read)
    record_search(chosen, found)
    last = found[-1].row.seq if found else after
    return Followed(found, leaves, seal_cursor(OLDEST_FIRST, [last]))


@transaction.atomic
def view_event(*, event_id: UUID, reader: Reader) -> OneEvent:
    """One event. Raises NotFound, for what the reader may not read too."""
    found = one_event(event_id, reader)
    record_view(found)
    return found


@transaction.atomic
def view_surroundings(*, event_id: UUID, reader: Reader, chosen: EventFilter) -> Surrounded:
    """One event with those around it. Raises NotFound, for what the reader may not read too.

    That there is a next one that fits tells what a search tells: without such a search within the
    hour it is one.
    """
    found = one_event(event_id, reader)
    around = related(found, reader)
    record_view(found, beside=[*around.request, *around.actor, *around.target])
    if chosen.given():
        record_search(chosen, ())
    return Surrounded(found, around, neighbours(found, reader, chosen))


@transaction.atomic
def take_proof(*, event_id: UUID, reader: Reader) -> EventProof | None:
    """Its proof with both parts; None while no checkpoint covers it. Raises NotFound."""
    found = one_event(event_id, reader)
    proof = event_proof(current_log(), event_id=event_id, open_parts={"who", "what"})
    if proof is not None:
        record_view(found)
    return proof
