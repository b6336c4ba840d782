"""Billing records: months, their days, and both as files."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.http import HttpRequest, HttpResponse

from audit.exports import tables
from orgs.models import BillingRecord, SeatCount, SeatKind
from orgs.selectors.billing import days_of, first_month, lines_of, months, records_of
from semafore.kernel import clock
from semafore.kernel.clock import rfc3339
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

MONTH = "%Y-%m"


class BillingView(ConsoleView):
    """What there is to pay for."""

    requires = Permission.BILLING_READ
    title = "Billing"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The month so far, and the months that are closed, newest first."""
        page = paginate(months(), by=("-month", "-id"), cursor=request.GET.get("cursor"))
        this_month = clock.now().date().replace(day=1)
        context = {
            "this_month": this_month,
            "so_far": lines_of(this_month),
            "page": page,
            "records": records_of(one.month for one in page.rows),
        }
        return self.page(request, "console/settings/billing.html", context)


class BillingDaysView(ConsoleView):
    """The nights of a month."""

    requires = Permission.BILLING_READ
    title = "Seats by day"

    def get(self, request: HttpRequest) -> HttpResponse:
        """A line for each day, oldest first. Raises NotFound for what is no month."""
        month = asked_month(request)
        context = {
            "title": f"Seats by day, {month:%B %Y}",
            "month": month,
            "kinds": SeatKind.labels,
            "days": by_day(days_of(month)),
            "first_month": first_month(),
        }
        return self.page(request, "console/settings/billing_days.html", context)


class BillingMonthsFileView(ConsoleView):
    """All closed months, as CSV."""

    requires = Permission.BILLING_READ

    def get(self, _request: HttpRequest) -> HttpResponse:
        """A line for each month and kind of seat."""
        columns = ("month", "kind", "days", "seat_days", "average", "peak", "closed_at")
        records = BillingRecord.objects.order_by("month", "id")
        return csv_file(f"billing-{self.seat.slug}.csv", columns, map(_month_cells, records))


class BillingDaysFileView(ConsoleView):
    """The nights of a month, as CSV."""

    requires = Permission.BILLING_READ

    def get(self, request: HttpRequest) -> HttpResponse:
        """A line for each day and kind of seat. Raises NotFound for what is no month."""
        month = asked_month(request)
        name = f"seats-{self.seat.slug}-{month:{MONTH}}.csv"
        return csv_file(name, ("day", "kind", "seats"), map(_day_cells, days_of(month)))


def asked_month(request: HttpRequest) -> date:
    """The month of the address, this one where it names none. Raises NotFound."""
    asked = request.GET.get("month") or f"{clock.now():{MONTH}}"
    try:
        return datetime.strptime(asked, MONTH).replace(tzinfo=UTC).date()
    except ValueError:
        raise NotFound from None


def by_day(counts: Iterable[SeatCount]) -> dict[date, list[int]]:
    """The seats of each day, in the order of the kinds."""
    found: dict[date, dict[str, int]] = {}
    for count in counts:
        found.setdefault(count.day, {})[count.kind] = count.seats
    return {day: [seats[kind] for kind in SeatKind] for day, seats in found.items()}


def csv_file(name: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> HttpResponse:
    """A table to be kept."""
    content = tables.header(columns) + tables.lines(rows)
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="text/csv", headers=disposition)


def _month_cells(one: BillingRecord) -> list[str]:
    numbers = (one.days, one.seat_days, one.average, one.peak)
    return [f"{one.month:{MONTH}}", one.kind, *map(str, numbers), rfc3339(one.closed_at)]


def _day_cells(one: SeatCount) -> list[str]:
    return [one.day.isoformat(), one.kind, str(one.seats)]
