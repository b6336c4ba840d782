"""Records of months that are over: what they say, and that they stay."""

from decimal import Decimal

import pytest
from django.db import ProgrammingError, transaction

from orgs.models import BillingRecord, Membership, Organisation
from orgs.models.billing import average
from orgs.selectors.billing import lines_of
from orgs.services.memberships import end_membership
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.orgs.billing.seats import at, come, counted, days, founded, guest, night


def records(of: Organisation) -> dict[str, list[tuple[str, int, int, Decimal, int]]]:
    """By month: kind, days, seat-days, average and peak, without the kinds of which none was."""
    found: dict[str, list[tuple[str, int, int, Decimal, int]]] = {}
    with cast.inside(of):
        for row in BillingRecord.objects.order_by("month", "id"):
            lines = found.setdefault(f"{row.month:%Y-%m}", [])
            if row.seat_days:
                lines.append((row.kind, row.days, row.seat_days, row.average, row.peak))
    return found


def test_a_leap_february_has_twenty_nine_days(db: None) -> None:
    acme = founded("2024-01-15 09:00")
    ann = come(acme, "2024-01-20 10:00")
    guest(acme, "2024-02-10 10:00", ann, "2024-02-20 00:00")
    with at("2024-02-24 23:00", acme):
        end_membership(membership_id=come(acme, "2024-02-20 10:00", "Bea").id, reason="Left.")
    night("2024-03-01 00:07")
    assert records(acme) == {
        # Counted from the 16th; Ann from the 21st.
        "2024-01": [("member", 16, 11, Decimal("0.69"), 1)],
        # Bea on the 21st to the 24th, the guest on the 11th to the 19th.
        "2024-02": [
            ("member", 29, 33, Decimal("1.14"), 2),
            ("guest", 29, 9, Decimal("0.31"), 1),
        ],
    }


def test_a_month_is_closed_by_one_event_once_it_is_over(db: None) -> None:
    acme = founded("2023-01-31 09:00")
    come(acme, "2023-01-31 10:00")
    night("2023-02-28 23:07")
    assert records(acme) == {}
    night("2023-03-01 00:07")
    night("2023-03-01 01:07")
    (event,) = cast.events(acme, "billing.month_closed")
    assert event["data"] == {
        "month": "2023-02",
        "days": 28,
        "seat_days": {"member": 28, "guest": 0, "suspended_member": 0, "suspended_guest": 0},
        "peaks": {"member": 1, "guest": 0, "suspended_member": 0, "suspended_guest": 0},
    }


def test_the_first_moment_of_a_month_belongs_to_it(db: None) -> None:
    """Founded on the last day of a month: no night of it was counted, so it has no record."""
    acme = founded("2023-12-31 09:00")
    come(acme, "2023-12-31 10:00")
    night("2024-02-01 00:07")
    assert records(acme) == {"2024-01": [("member", 31, 31, Decimal("1.00"), 1)]}
    assert days(acme)[-1] == "2024-02-01"


def test_two_months_in_which_nobody_counted(db: None) -> None:
    acme = founded("2024-01-15 09:00")
    come(acme, "2024-01-31 10:00")
    night("2024-01-16 00:07")
    night("2024-04-03 14:07")
    assert records(acme) == {
        "2024-01": [],
        "2024-02": [("member", 29, 29, Decimal("1.00"), 1)],
        "2024-03": [("member", 31, 31, Decimal("1.00"), 1)],
    }


@pytest.mark.parametrize(
    ("seat_days", "of_days", "expected"),
    [(0, 31, "0.00"), (100, 8, "12.50"), (1, 8, "0.13"), (2, 3, "0.67"), (10**15 + 1, 8, None)],
)
def test_averages_are_exact_and_halves_go_up(
    seat_days: int, of_days: int, expected: str | None
) -> None:
    wanted = Decimal(expected or "125000000000000.13")
    assert average(seat_days, of_days) == wanted


def test_a_record_stays_whatever_happens_to_people(db: None) -> None:
    acme = founded("2024-01-15 09:00")
    ann = come(acme, "2024-01-20 10:00")
    night("2024-02-01 00:07")
    before = records(acme)
    with at("2024-02-03 00:00", acme):
        end_membership(membership_id=ann.id, reason="Left.")
        Membership.objects.filter(id=ann.id).update(name="", email="", phone="")
    night("2024-02-04 00:07")
    assert records(acme) == before
    with organisation_scope(acme.id):
        (january,) = BillingRecord.objects.filter(kind="member")
        line = lines_of(january.month)[0]
        assert (line.days, line.seat_days, line.peak) == (
            january.days,
            january.seat_days,
            january.peak,
        )
        for statement in (
            lambda: BillingRecord.objects.update(peak=7),
            lambda: BillingRecord.objects.all().delete(),
        ):
            with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
                statement()
    assert counted(acme, "2024-02-04") == {}
