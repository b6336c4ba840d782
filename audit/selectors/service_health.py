"""How exports and SIEM destinations of all organisations do together: for monitoring."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, OuterRef, Subquery

from audit.models import DestinationState, Export, ExportStatus, IndexedEvent, SiemDestination
from audit.selectors.siem import trouble
from audit.siem.formats import Format
from semafore.kernel import clock
from semafore.kernel.tenancy import of_all

LATELY = timedelta(days=1)
UNFINISHED = (ExportStatus.WAITING, ExportStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class ExportHealth:
    """Of all exports; an age is zero where none waits."""

    unfinished: Mapping[str, int]
    """By status."""
    oldest_waiting_age: timedelta
    failed_lately: int
    """Within a day."""


@dataclass(frozen=True, slots=True)
class SiemHealth:
    """Of all destinations, each by format."""

    destinations: Mapping[str, int]
    in_trouble: Mapping[str, int]
    lag: Mapping[str, float]
    """Seconds since the oldest event happened that one of them hasn't got; paused ones left out."""


def export_health() -> ExportHealth:
    """In two statements."""
    unfinished = of_all(Export).filter(status__in=UNFINISHED).values("status")
    rows = unfinished.annotate(total=Count("id"), first=Min("requested_at"))
    found = {row["status"]: row for row in rows}
    since = clock.now() - LATELY
    failed = of_all(Export).filter(status=ExportStatus.FAILED, finished_at__gt=since)
    waiting = found.get(ExportStatus.WAITING)
    age = max(clock.now() - waiting["first"], timedelta()) if waiting else timedelta()
    return ExportHealth(
        unfinished={one.value: found[one]["total"] if one in found else 0 for one in UNFINISHED},
        oldest_waiting_age=age,
        failed_lately=failed.count(),
    )


def siem_health() -> SiemHealth:
    """In two statements; each destination's place is looked up in its log's index."""
    formats = [one.value for one in Format]
    destinations, in_trouble = dict.fromkeys(formats, 0), dict.fromkeys(formats, 0)
    rows = of_all(SiemDestination).values("format")
    for row in rows.annotate(total=Count("id"), wrong=Count("id", filter=trouble())):
        destinations[row["format"]], in_trouble[row["format"]] = row["total"], row["wrong"]
    lag = dict.fromkeys(formats, 0.0)
    for format_, at in _oldest():
        lag[format_] = max(lag[format_], (clock.now() - at).total_seconds())
    return SiemHealth(destinations, in_trouble, lag)


def _oldest() -> list[tuple[str, datetime]]:
    first = (
        of_all(IndexedEvent)
        .filter(organisation_id=OuterRef("organisation_id"), seq__gte=OuterRef("cursor"))
        .order_by("seq")
        .values("at")[:1]
    )
    rows = of_all(SiemDestination).exclude(state=DestinationState.PAUSED)
    behind = rows.annotate(oldest_at=Subquery(first)).exclude(oldest_at=None)
    return list(behind.values_list("format", "oldest_at"))
