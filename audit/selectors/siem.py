"""Reads of destinations, and how they do: by the canary and the lag, not by the last status."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min, OuterRef, Q, QuerySet, Subquery

from audit.events.siem import CANARY
from audit.logs import current_log
from audit.models import DestinationState, IndexedEvent, RetentionPeriods, SiemDestination
from audit.registry import EventClass
from audit.selectors.outgoing import taken_by
from audit.selectors.reading import Reader, unreadable
from audit.selectors.retention import periods
from audit.selectors.tree import tree_head
from semafore.kernel import clock
from semafore.kernel.problems import NotFound

CANARY_LATE = timedelta(hours=2)
"""One an hour is recorded: by then one is missing for sure."""
BEHIND = timedelta(minutes=15)
NEAR = timedelta(days=7)
"""So long before retention reaches what wasn't sent, or for a quarter of a short period."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a destination does just now."""

    word: str
    sentence: str
    backlog: int
    """Places of the log that it hasn't got; its filter may want few of them."""
    oldest_at: datetime | None
    """When the first event that it hasn't got happened; None where it has everything."""
    finish_at: datetime | None
    """When it will have everything, at the pace it had; None where that can't be said."""
    retention_at: datetime | None
    """When retention reaches the first event that it hasn't got, where that is near."""

    @property
    def lag(self) -> timedelta:
        """The age of the first event that it hasn't got."""
        return max(clock.now() - self.oldest_at, timedelta()) if self.oldest_at else timedelta()


def destinations() -> QuerySet[SiemDestination]:
    """The organisation's, each with `oldest_at` (the first event that it hasn't got)."""
    waiting = IndexedEvent.objects.filter(
        organisation_id=OuterRef("organisation_id"), seq__gte=OuterRef("cursor")
    )
    oldest = Subquery(waiting.order_by("seq").values("at")[:1])
    return SiemDestination.objects.annotate(oldest_at=oldest).select_related("set_up_by")


def destinations_due() -> list[UUID]:
    """Those that may be sent to now and haven't got everything."""
    now = clock.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    rows = SiemDestination.objects.filter(
        free, state=DestinationState.ACTIVE, next_attempt_at__lte=now
    )
    if not (found := list(rows.values_list("id", "cursor"))):
        return []
    size = log_size()
    return [id_ for id_, cursor in found if cursor < size]


def destination(destination_id: UUID) -> SiemDestination:
    """One of them. Raises NotFound."""
    found = destinations().filter(id=destination_id).first()
    if found is None:
        raise NotFound
    return found


def healths(rows: Iterable[SiemDestination]) -> list[tuple[SiemDestination, Health]]:
    """Each of `destinations()` with how it does, in two statements for all."""
    size, kept_for = tree_head(current_log()).size, periods()
    return [(row, _health(row, size, kept_for)) for row in rows]


def in_trouble() -> int:
    """How many don't get what they should."""
    return SiemDestination.objects.filter(trouble()).count()


def trouble() -> Q:
    """A destination that doesn't get what it should."""
    late = clock.now() - CANARY_LATE
    silent = Q(canary_at__lt=late) | Q(canary_at=None, created_at__lt=late)
    stands = Q(state__in=[DestinationState.MISCONFIGURED, DestinationState.PARKED])
    failing = Q(state=DestinationState.ACTIVE) & (Q(told_at__isnull=False) | silent)
    return stands | failing | Q(warned_at__isnull=False)


def parked_event(row: SiemDestination, reader: Reader) -> UUID | None:
    """The event that it refuses, where it is parked on one that the reader may read."""
    if row.state != DestinationState.PARKED:
        return None
    found = IndexedEvent.objects.filter(seq=row.cursor).exclude(unreadable(reader))
    return found.values_list("event_id", flat=True).first()


def event_for_test(row: SiemDestination, reader: Reader) -> list[IndexedEvent]:
    """The newest canary, or the newest event that it takes and the reader may read, if any."""
    newest = taken_by(row).exclude(unreadable(reader)).order_by("-seq")
    return list(newest.filter(type=CANARY)[:1]) or list(newest[:1])


def place_at(moment: datetime) -> int:
    """The place of the first event since then; the end of the log where there is none."""
    first = IndexedEvent.objects.filter(at__gte=moment).aggregate(first=Min("seq"))["first"]
    return log_size() if first is None else int(first)


def log_size() -> int:
    """The place that the next event gets."""
    return tree_head(current_log()).size


def retention_near(row: SiemDestination) -> datetime | None:
    """When retention reaches the first event that it hasn't got, where that is near."""
    first = IndexedEvent.objects.filter(seq__gte=row.cursor).order_by("seq").first()
    return _near(row, first.at, periods()) if first else None


def _near(row: SiemDestination, oldest_at: datetime, kept_for: RetentionPeriods) -> datetime | None:
    """By the shortest period of what it takes."""
    short = {EventClass.TRANSIT, EventClass.CLAIMS} & set(row.classes)
    period = timedelta(days=kept_for.metadata_days if short else kept_for.audit_days)
    reached = oldest_at + period
    return reached if reached - clock.now() <= min(NEAR, period / 4) else None


def _health(row: SiemDestination, size: int, kept_for: RetentionPeriods) -> Health:
    oldest_at: datetime | None = row.oldest_at  # type: ignore[attr-defined]  # annotated above
    backlog = max(size - row.cursor, 0)
    runs = row.state == DestinationState.ACTIVE and row.failing_since is None
    word, sentence = _in_words(row, oldest_at)
    return Health(
        word=word,
        sentence=sentence,
        backlog=backlog,
        oldest_at=oldest_at,
        finish_at=clock.now() + timedelta(seconds=backlog / row.pace)
        if runs and backlog and row.pace
        else None,
        retention_at=_near(row, oldest_at, kept_for) if oldest_at else None,
    )


def _in_words(row: SiemDestination, oldest_at: datetime | None) -> tuple[str, str]:
    now = clock.now()
    match row.state:
        case DestinationState.PAUSED:
            return "paused", "Paused: nothing is sent until an owner resumes it."
        case DestinationState.MISCONFIGURED:
            return "misconfigured", "It refuses what it is sent: its settings must be changed."
        case DestinationState.PARKED:
            return "parked", f"It refuses the event at place {row.cursor}: an owner decides."
    if row.failing_since is not None:
        return "failing", "It is tried again, at least every 15 minutes, until it answers."
    if (row.canary_at or row.created_at) < now - CANARY_LATE:
        return "silent", "No canary has reached it for over two hours."
    if oldest_at is not None and oldest_at < now - BEHIND:
        return "behind", "It has a backlog, which is being sent."
    if row.last_success_at is None:
        return "new", "Nothing was sent yet."
    if row.canary_at is None:
        return "healthy", "It takes what it is sent. The first canary comes within the hour."
    return "healthy", "It has the last canary, and all before it."
