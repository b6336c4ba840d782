"""Billing in the console: months, days, and both as CSV."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.models import Membership, Organisation, Role
from tests import cast
from tests.orgs.billing.seats import at, come, founded, night


@pytest.fixture
def olga(db: None) -> Membership:
    """The owner of an organisation with two closed months."""
    acme = founded("2024-01-15 09:00")
    owner = come(acme, "2024-01-20 10:00", "Olga", role=Role.OWNER)
    come(acme, "2024-02-10 10:00", "Bea")
    night("2024-03-03 00:07")
    return owner


def get(person: Membership, path: str) -> str:
    with at("2024-03-03 12:00"):
        answer = cast.signed_in(person).get(f"/console/{person.organisation.slug}/{path}")
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_months_newest_first_and_what_has_passed_of_this_one(olga: Membership) -> None:
    text = get(olga, "billing")
    so_far, _, closed = text.partition("Closed months</h2>")
    assert "March 2024, 3 days" in so_far
    assert closed.index("February 2024, 29 days") < closed.index("January 2024, 16 days")
    # Olga all month, Bea from the 11th on.
    assert '<td class="number">48</td>' in closed
    assert '<td class="number">1.66</td>' in closed
    assert "billing/days?month=2024-02" in closed


def test_the_days_of_a_month(olga: Membership) -> None:
    text = get(olga, "billing/days?month=2024-02")
    assert "Seats by day, February 2024" in text
    assert text.count('<th scope="row">') == 29
    assert "No night of this month was counted." in get(olga, "billing/days?month=2023-02")
    assert "No night of this month was counted." in get(olga, "billing/days?month=9999-12")
    assert "Seats by day, March 2024" in get(olga, "billing/days")


@pytest.mark.parametrize("month", ["2024-13", "x", "2024-02-01", "99999-01"])
def test_what_is_no_month_is_not_found(olga: Membership, month: str) -> None:
    for path in ("days", "days.csv"):
        address = f"/console/{olga.organisation.slug}/billing/{path}?month={month}"
        assert cast.signed_in(olga).get(address).status_code == 404


def test_all_months_as_a_file(olga: Membership) -> None:
    found = rows(get(olga, "billing/months.csv"))
    assert [row["month"] for row in found] == ["2024-01"] * 4 + ["2024-02"] * 4
    assert found[4] | {"closed_at": ""} == {
        "month": "2024-02",
        "kind": "member",
        "days": "29",
        "seat_days": "48",
        "average": "1.66",
        "peak": "2",
        "closed_at": "",
    }


def test_the_days_as_a_file(olga: Membership) -> None:
    found = rows(get(olga, "billing/days.csv?month=2024-02"))
    assert len(found) == 29 * 4
    assert found[0] == {"day": "2024-02-01", "kind": "member", "seats": "1"}


def test_nothing_yet(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)
    text = browser.get(f"/console/{acme.slug}/billing").content.decode()
    assert "No night of this month has been counted." in text
    assert "A month is closed once it is over." in text
    assert "for the first time in the night after" in (
        browser.get(f"/console/{acme.slug}/billing/days").content.decode()
    )


def test_years_cost_no_more_statements(olga: Membership) -> None:
    def statements() -> int:
        with at("2026-03-03 12:00"):
            browser = cast.signed_in(olga)
            address = f"/console/{olga.organisation.slug}/billing"
            browser.get(address)
            with CaptureQueriesContext(connection) as captured:
                browser.get(address)
        return len(captured)

    few = statements()
    night("2026-03-03 00:07")
    assert statements() == few <= 20
