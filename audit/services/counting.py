"""Counting events: a look like any other, and so an event in the same transaction."""

from django.db import transaction

from audit.events.searches import AuditCounted
from audit.selectors.counts import By, Counts, counts
from audit.selectors.events import EventFilter
from audit.selectors.reading import Reader
from audit.selectors.replica import from_replica
from audit.services.examined import record_examination


@transaction.atomic
def count_events(*, reader: Reader, chosen: EventFilter, by: By) -> Counts:
    """The newest events that fit, counted."""
    found = from_replica(lambda: counts(reader, chosen, by))
    record_examination(
        chosen.given(), lambda told: AuditCounted(filters=told, by=by, counted=found.seen)
    )
    return found
