"""While a window closes everything: who is turned away, with what, and until when."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from orgs.models import MaintenanceKind, MaintenanceWindow, Membership, Role
from orgs.selectors.maintenance import COME_BACK_WITHIN, SPREAD, closed_for_maintenance
from orgs.services.maintenance import begin_window, end_window, hold_window
from semafore.kernel import clock
from semafore.kernel.closing import CLOSING
from tests import cast
from tests.orgs.maintenance.windows import NOTICE, SUMMARY, announced, as_operator

CONFIG = "/api/mobile/config"


@pytest.fixture
def running(alice: Membership) -> Iterator[MaintenanceWindow]:
    """A window that closes everything, an hour before its end."""
    window = announced()
    with clock.moved_by(timedelta(hours=NOTICE + 9)):
        CLOSING.ask_anew()
        yield window


def test_devices_and_programs_get_a_document(client: Client, running: MaintenanceWindow) -> None:
    for path in (CONFIG, "/api/audit/events"):
        answer = client.get(path)
        body = answer.json()
        assert (answer.status_code, body["code"]) == (503, "maintenance"), path
        assert body["until"] == clock.rfc3339(running.ends_at)
        assert body["detail"] == SUMMARY
        assert answer["Retry-After"] == str(body["retry_after"])


def test_people_get_a_page(alice: Membership, running: MaintenanceWindow) -> None:
    answer = cast.signed_in(alice).get(f"/console/{alice.organisation.slug}/")
    page = answer.content.decode()
    assert answer.status_code == 503
    for words in ("Closed for maintenance</h1>", SUMMARY, "Closed until", "devices come back"):
        assert words in page, words
    assert f'datetime="{clock.rfc3339(running.ends_at)}"' in page
    assert alice.organisation.name not in page
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_they_come_back_within_minutes_and_not_in_the_same_second(
    client: Client, running: MaintenanceWindow
) -> None:
    told = {int(client.get(CONFIG)["Retry-After"]) for _ in range(40)}
    least = COME_BACK_WITHIN.total_seconds()
    assert min(told) > least
    assert max(told) <= least + 1 + SPREAD.total_seconds()
    assert len(told) > 10


def test_near_the_end_they_come_back_at_the_end(client: Client, running: MaintenanceWindow) -> None:
    with clock.moved_by(running.ends_at - timedelta(seconds=10.9) - clock.now()):
        CLOSING.ask_anew()
        assert 10 <= int(client.get(CONFIG)["Retry-After"]) <= 11 + SPREAD.total_seconds()
    with clock.moved_by(timedelta(minutes=60)):
        CLOSING.ask_anew()
        assert client.get(CONFIG).status_code == 200


def test_the_operators_way_in_stays_open(client: Client, running: MaintenanceWindow) -> None:
    assert client.get("/operator/")["Location"].startswith("/operator/login/")
    for path in ("/console/sign-in?next=/operator/", "/console/sign-in/code", "/console/step-up"):
        assert client.get(path).status_code in (200, 302), path
    assert client.get("/console/").status_code == 503


def test_no_name_of_an_organisation_is_a_way_in(db: None) -> None:
    owner = cast.member(cast.organisation("sign-in-systems"), "Olga", Role.OWNER)
    browser, path = cast.signed_in(owner), f"/console/{owner.organisation.slug}/"
    assert path.startswith("/console/sign-in-systems")
    assert browser.get(path).status_code == 200
    announced(hours=0, emergency_reason="A disk fails.")
    CLOSING.ask_anew()
    assert browser.get(path).status_code == 503


def test_the_server_is_open_again_in_the_process_where_it_is_ended(
    client: Client, running: MaintenanceWindow, django_capture_on_commit_callbacks: object
) -> None:
    assert client.get(CONFIG).status_code == 503
    with as_operator(), django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        end_window(window_id=running.id)
    assert client.get(CONFIG).status_code == 200


@pytest.mark.parametrize(
    ("hours", "closed"),
    [(NOTICE + 7.99, False), (NOTICE + 8.01, True), (NOTICE + 9.99, True), (NOTICE + 10.01, False)],
)
def test_it_is_closed_from_the_start_to_the_end(db: None, hours: float, closed: bool) -> None:
    announced()
    with clock.moved_by(timedelta(hours=hours)):
        assert (closed_for_maintenance() is not None) is closed


def test_what_closes_nothing(db: None) -> None:
    announced(kind=MaintenanceKind.UNINTERRUPTED)
    held = announced()
    with as_operator():
        hold_window(window_id=held.id, reason="The copy is not ready.")
    with clock.moved_by(timedelta(hours=NOTICE + 9)):
        assert closed_for_maintenance() is None
        with as_operator():
            begin_window(window_id=held.id)
        assert closed_for_maintenance() is not None


def test_of_two_windows_the_one_that_lasts_counts(db: None) -> None:
    announced(hours=NOTICE + 7)
    longer = announced(lasts=5)
    with clock.moved_by(timedelta(hours=NOTICE + 8.5)):
        closure = closed_for_maintenance()
    assert closure is not None
    assert closure.problem.members["until"] == clock.rfc3339(longer.ends_at)


def test_devices_know_before(client: Client, db: None) -> None:
    assert client.get(CONFIG).json()["maintenance"] == []
    window = announced()
    announced(hours=NOTICE + 30, kind=MaintenanceKind.UNINTERRUPTED)
    first, second = client.get(CONFIG).json()["maintenance"]
    assert first == {
        "id": str(window.id),
        "kind": "closed",
        "starts_at": clock.rfc3339(window.starts_at),
        "ends_at": clock.rfc3339(window.ends_at),
    }
    assert second["kind"] == "uninterrupted"
