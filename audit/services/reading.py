"""Reading audit data: each look is an event, in the transaction of the look."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.events.reading import AuditSearched, AuditViewed
from audit.selectors.events import EventFilter, Line, OneEvent, events, lines, one_event
from audit.selectors.proofs import EventProof
from audit.services.proofs import hand_out_proof
from audit.services.recording import Ref, record
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the list, and the cursor to what is older; None on the last page."""

    lines: list[Line]
    next: str | None


@transaction.atomic
def search_events(
    *, permissions: AbstractSet[Permission], chosen: EventFilter, cursor: str | None
) -> Found:
    """Events in the order of the log, the newest first. Raises Malformed for a foreign cursor."""
    page = paginate(events(permissions, chosen), by=("-seq",), cursor=cursor)
    found = lines(page.rows)
    newest, oldest = (found[0].row.seq, found[-1].row.seq) if found else (None, None)
    record(AuditSearched(filters=chosen.given(), newest=newest, oldest=oldest))
    return Found(found, page.next)


@transaction.atomic
def view_event(*, event_id: UUID, permissions: AbstractSet[Permission]) -> OneEvent:
    """One event. Raises NotFound, for what these permissions may not read too."""
    found = one_event(event_id, permissions)
    record(AuditViewed(event_id=event_id), target=Ref("event", event_id))
    return found


@transaction.atomic
def take_proof(*, event_id: UUID, permissions: AbstractSet[Permission]) -> EventProof | None:
    """Its proof with both parts; None while no checkpoint covers it. Raises NotFound."""
    one_event(event_id, permissions)
    return hand_out_proof(event_id=event_id)
