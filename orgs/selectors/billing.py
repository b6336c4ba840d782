"""Seats as of a moment, recomputed from memberships; and the records that were made of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncMonth

from orgs.models import (
    BillingRecord,
    Membership,
    MembershipChange,
    MembershipKind,
    MembershipStatus,
    Organisation,
    SeatCount,
    SeatKind,
)
from orgs.models.billing import average
from semafore.kernel import clock
from semafore.kernel.tenancy import current_organisation_id

KINDS = {
    (MembershipKind.MEMBER, MembershipStatus.ACTIVE): SeatKind.MEMBER,
    (MembershipKind.GUEST, MembershipStatus.ACTIVE): SeatKind.GUEST,
    (MembershipKind.MEMBER, MembershipStatus.SUSPENDED): SeatKind.SUSPENDED_MEMBER,
    (MembershipKind.GUEST, MembershipStatus.SUSPENDED): SeatKind.SUSPENDED_GUEST,
}
"""What a membership of this kind and status counts as; of any other status, as nothing."""
DAY = timedelta(days=1)


def midnight(day: date) -> datetime:
    """The moment of which a day's seats are counted: its beginning in UTC."""
    return datetime.combine(day, time(), UTC)


def seats_at(at: datetime) -> dict[SeatKind, int]:
    """How many seats of each kind there were, by the memberships' history.

    The same whenever it is asked, once `at` is past and lapsed memberships have been ended.
    """
    changes = MembershipChange.objects.filter(membership=OuterRef("pk"), at__lte=at)
    rows = (
        Membership.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at), created_at__lte=at)
        .annotate(then=Subquery(changes.order_by("-at", "-id").values("status")[:1]))
        .values_list("kind", "then")
        .annotate(seats=Count("id"))
        .order_by()
    )
    counted = {KINDS[kind, then]: seats for kind, then, seats in rows if (kind, then) in KINDS}
    return {kind: counted.get(kind, 0) for kind in SeatKind}


def nights_to_count() -> list[date]:
    """The days, up to today, whose first moment has not been counted."""
    last = SeatCount.objects.aggregate(last=Max("day"))["last"]
    if last is None:
        created_at = Organisation.objects.get(id=current_organisation_id()).created_at
        # Of a day that had begun, the first moment was before there was anything to count.
        last = (created_at - timedelta(microseconds=1)).astimezone(UTC).date()
    return [last + DAY * n for n in range(1, (clock.now().date() - last).days + 1)]


def months_to_close() -> list[date]:
    """The months that are over and counted, and have no record."""
    this_month = clock.now().date().replace(day=1)
    counted = SeatCount.objects.filter(day__lt=this_month).annotate(month=TruncMonth("day"))
    closed = BillingRecord.objects.values("month")
    open_months = counted.exclude(month__in=closed).order_by("month")
    return list(open_months.values_list("month", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class Line:
    """What the seats of a kind came to, in a month or in what has passed of it."""

    kind: SeatKind
    days: int
    seat_days: int
    peak: int

    @property
    def average(self) -> Decimal:
        """Seats a day, to two places, halves upwards."""
        return average(self.seat_days, self.days)


def lines_of(month: date) -> list[Line]:
    """Of the nights of a month that were counted; in the order of the kinds."""
    rows = (
        days_of(month)
        .order_by()
        .values("kind")
        .annotate(days=Count("day"), seat_days=Sum("seats"), peak=Max("seats"))
    )
    found = {row["kind"]: row for row in rows}
    return [Line(**{**found[kind], "kind": kind}) for kind in SeatKind if kind in found]


def days_of(month: date) -> QuerySet[SeatCount]:
    """The counts of a month, a row for each day and kind."""
    of_month = SeatCount.objects.filter(day__year=month.year, day__month=month.month)
    return of_month.order_by("day", "id")


def months() -> QuerySet[BillingRecord]:
    """A row for each closed month: every month has a record of members, if only of none."""
    return BillingRecord.objects.filter(kind=SeatKind.MEMBER)


def records_of(months_: Iterable[date]) -> dict[date, list[BillingRecord]]:
    """The records of these months, of each in the order of the kinds."""
    found: dict[date, list[BillingRecord]] = {month: [] for month in months_}
    for record in BillingRecord.objects.filter(month__in=found).order_by("month", "id"):
        found[record.month].append(record)
    return found


def first_month() -> date | None:
    """The month of the first night that was counted."""
    span: dict[str, Any] = SeatCount.objects.aggregate(first=Min("day"))
    first: date | None = span["first"]
    return first and first.replace(day=1)
