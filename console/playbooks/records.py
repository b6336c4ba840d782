"""Records of what playbooks did, made from the log alone; each look at one is an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.events.reading import AuditSearched
from audit.selectors.events import EventFilter, OneEvent, events, lines, some_events
from audit.selectors.reading import Reader
from audit.services.reading import Found, view_event
from audit.services.recording import record
from console.events.playbooks import InvestigationOpened, PlaybookRun
from semafore.kernel.paging import paginate
from semafore.kernel.problems import NotFound

TYPES = (PlaybookRun.type.name, InvestigationOpened.type.name)


@dataclass(frozen=True, slots=True)
class PlaybookRecord:
    """What one act left in the log."""

    run: OneEvent
    """The last of its events, which names the others."""
    what: dict[str, Any]
    """What that event says."""
    steps: Sequence[OneEvent]
    """Those that the reader may see, in their order."""
    unseen: int
    """The others: beyond the reader's role, or deleted by retention."""

    @property
    def placed(self) -> bool:
        """Whether all of them have their places in the log."""
        return all(one.entry is not None for one in (self.run, *self.steps))


@transaction.atomic
def view_record(*, event_id: UUID, reader: Reader) -> PlaybookRecord:
    """The record that this event is. Raises NotFound, for what the reader may not see too."""
    run = view_event(event_id=event_id, reader=reader)
    if run.what is None or run.what["type"] not in TYPES:
        raise NotFound
    ids = [UUID(one) for one in run.what["data"]["events"]]
    steps = some_events(ids, reader)
    return PlaybookRecord(run=run, what=run.what, steps=steps, unseen=len(ids) - len(steps))


@transaction.atomic
def search_records(*, reader: Reader, cursor: str | None) -> Found:
    """The records, the newest first, as far as the reader may see them."""
    rows = events(reader, EventFilter()).filter(type__in=TYPES)
    page = paginate(rows, by=("-seq",), cursor=cursor)
    found = lines(page.rows)
    newest, oldest = (found[0].row.seq, found[-1].row.seq) if found else (None, None)
    record(AuditSearched(filters={"action": list(TYPES)}, newest=newest, oldest=oldest))
    return Found(found, page.next)
