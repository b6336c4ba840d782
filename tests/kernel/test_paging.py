"""Pages by key: every row once, whatever comes and goes meanwhile."""

import base64
from datetime import timedelta

import pytest

from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.kernel.paging import paginate
from semafore.kernel.problems import Malformed
from semafore.kernel.tenancy import organisation_scope
from tests import cast

NAMES = ["Ann", "Ann", "Bea", "Cai", "Cai", "Cai", "Dee"]


@pytest.fixture
def people(acme: Organisation) -> list[Membership]:
    found = []
    for number, name in enumerate(NAMES):
        with clock.moved_by(-timedelta(days=number)):
            found.append(cast.member(acme, name))
    return found


def walk(acme: Organisation, by: tuple[str, ...], limit: int) -> list[Membership]:
    """All pages, each of which must be full but the last."""
    rows, cursor = [], None
    with organisation_scope(acme.id):
        while True:
            page = paginate(Membership.objects.all(), by=by, cursor=cursor, limit=limit)
            rows += page.rows
            if page.next is None:
                return rows
            assert len(page.rows) == limit
            cursor = page.next


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
@pytest.mark.parametrize(
    "by", [("name", "id"), ("-name", "-id"), ("-created_at", "-id"), ("created_at", "id")]
)
def test_the_pages_hold_every_row_once_in_order(
    acme: Organisation, people: list[Membership], by: tuple[str, ...], limit: int
) -> None:
    name = by[0].removeprefix("-")
    expected = sorted(
        people, key=lambda one: (getattr(one, name), one.id), reverse=by[0].startswith("-")
    )

    assert walk(acme, by, limit) == expected


def test_a_row_that_comes_between_pages_moves_nothing(
    acme: Organisation, people: list[Membership]
) -> None:
    with organisation_scope(acme.id):
        first = paginate(Membership.objects.all(), by=("name", "id"), limit=3)
        cast.member(acme, "Aaron")
        Membership.objects.filter(id=first.rows[-1].id).update(unit="moved")
        second = paginate(Membership.objects.all(), by=("name", "id"), cursor=first.next, limit=10)

    assert [one.name for one in second.rows] == NAMES[3:]


@pytest.mark.parametrize("cursor", ["-", "x" * 40, "\u2713", "gAAAA"])
def test_a_cursor_of_somebody_elses_making_is_refused(acme: Organisation, cursor: str) -> None:
    with organisation_scope(acme.id), pytest.raises(Malformed):
        paginate(Membership.objects.all(), by=("name", "id"), cursor=cursor)


def test_a_cursor_of_another_order_is_refused(acme: Organisation, people: list[Membership]) -> None:
    with organisation_scope(acme.id):
        page = paginate(Membership.objects.all(), by=("name", "id"), limit=2)
        for by in (("id",), ("-name", "-id"), ("created_at", "id")):
            with pytest.raises(Malformed):
                paginate(Membership.objects.all(), by=by, cursor=page.next)


def test_a_cursor_shows_nobodys_name(acme: Organisation, people: list[Membership]) -> None:
    with organisation_scope(acme.id):
        cursor = paginate(Membership.objects.all(), by=("name", "id"), limit=1).next
    assert cursor is not None
    assert b"Ann" not in base64.urlsafe_b64decode(cursor)


def test_a_page_is_one_statement_and_reads_its_rows_by_the_index(
    acme: Organisation,
    people: list[Membership],
    django_assert_num_queries: object,
) -> None:
    with organisation_scope(acme.id), django_assert_num_queries(1):  # type: ignore[operator]
        paginate(Membership.objects.all(), by=("name", "id"), limit=2)


def test_a_cursor_serves_in_its_own_organisation_alone(
    acme: Organisation, globex: Organisation, people: list[Membership]
) -> None:
    with organisation_scope(acme.id):
        cursor = paginate(Membership.objects.all(), by=("name", "id"), limit=3).next
        assert paginate(Membership.objects.all(), by=("name", "id"), cursor=cursor).rows
    with organisation_scope(globex.id), pytest.raises(Malformed):
        paginate(Membership.objects.all(), by=("name", "id"), cursor=cursor)
