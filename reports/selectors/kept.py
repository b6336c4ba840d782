"""What retention has left for a report to be made from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.models import IndexedEvent
from audit.selectors.events import sweeps
from audit.selectors.retention import periods
from reports.questions import DEFAULT_DAYS, Kind, Question
from semafore.kernel import clock


def default_days() -> int:
    """How long the period is, if nothing else is said."""
    return min(DEFAULT_DAYS, periods().metadata_days)


@dataclass(frozen=True, slots=True)
class Kept:
    """From when on nothing has been deleted for its age, and what else the reader should know."""

    since: datetime
    """What is older lives only under a hold."""
    short: bool
    """The question reaches further back."""
    last_sweep: IndexedEvent | None


def kept_for(question: Question) -> Kept:
    """Of messages their metadata, of memberships the events that changed roles."""
    found = periods()
    membership = question.kind is Kind.MEMBERSHIP
    days = found.audit_days if membership else found.metadata_days
    since = clock.now() - timedelta(days=days)
    asked = min(filter(None, (question.at, question.from_at)))
    return Kept(since, asked < since, sweeps().order_by("-seq").first())
