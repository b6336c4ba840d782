"""Maintenance on the operator's site."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from orgs.models import Account, MaintenanceWindow, Membership, Organisation
from orgs.services.accounts import create_operator
from orgs.services.maintenance import cancel_window, end_window
from orgs.tasks import tell_of_maintenance
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.http.console import PROVEN_AT
from tests import cast
from tests.orgs.maintenance.windows import NOTICE, SUMMARY, ahead, announced, as_operator
from tests.orgs.sign_in.people import PASSWORD, platform_events

SITE = "/operator/orgs/maintenancewindow/"


@pytest.fixture
def operator(acme: Organisation) -> Account:
    with acting_as(SYSTEM):
        return create_operator(email="olga@semafore.example", password=PASSWORD)


@pytest.fixture
def browser(operator: Account) -> Client:
    return signed_in(operator)


def signed_in(operator: Account) -> Client:
    browser = Client()
    browser.force_login(operator)
    session = browser.session
    session[PROVEN_AT] = clock.now().timestamp()
    session.save()
    return browser


def typed(
    starts_at: datetime | None = None, ends_at: datetime | None = None, **more: str
) -> dict[str, Any]:
    starts_at = starts_at or ahead(NOTICE + 8)
    ends_at = ends_at or starts_at + timedelta(hours=2)
    return {
        "summary": SUMMARY,
        "kind": "closed",
        "starts_at": f"{starts_at:%Y-%m-%dT%H:%M:%S}",
        "ends_at": f"{ends_at:%Y-%m-%dT%H:%M:%S}",
        "emergency_reason": "",
        **more,
    }


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_announce_change_and_cancel(browser: Client, operator: Account) -> None:
    answer = browser.post(f"{SITE}add/", typed())
    assert (answer.status_code, answer["Location"]) == (302, SITE)
    window = MaintenanceWindow.objects.get()
    (event,) = platform_events("maintenance.announced")
    assert event["data"]["summary"] == SUMMARY
    assert window.steps.get().by == operator

    later = typed(window.starts_at + timedelta(days=1), window.ends_at + timedelta(days=1))
    assert browser.post(f"{SITE}{window.id}/change/", later).status_code == 302
    window.refresh_from_db()
    assert f"{window.starts_at:%Y-%m-%dT%H:%M:%S}" == later["starts_at"]
    tell_of_maintenance()
    page = text(browser.get(f"{SITE}{window.id}/change/"))
    assert "Announced, " in page
    assert "Changed, " in page
    assert page.count("1 organisation told, the last on") == 2

    assert "does not take place" in text(browser.get(f"{SITE}{window.id}/cancel/"))
    answer = browser.post(f"{SITE}{window.id}/cancel/", {"reason": ""})
    assert "This field is required" in text(answer)
    browser.post(f"{SITE}{window.id}/cancel/", {"reason": "No need."})
    window.refresh_from_db()
    assert window.cancelled_at is not None
    assert "Cancelled" in text(browser.get(SITE))


def test_what_stands_against_a_window_is_said_and_what_was_typed_stays(browser: Client) -> None:
    answer = browser.post(f"{SITE}add/", typed(ahead(2)))
    assert answer.status_code == 200
    assert "Organisations are promised up to 72 hours of notice" in text(answer)
    assert SUMMARY in text(answer)
    answer = browser.post(f"{SITE}add/", typed(ahead(100), ahead(99)))
    assert "The end has to lie ahead, and after the start." in text(answer)
    assert not MaintenanceWindow.objects.exists()
    answer = browser.post(f"{SITE}add/", typed(ahead(2), emergency_reason="A disk fails."))
    assert answer.status_code == 302
    assert MaintenanceWindow.objects.get().emergency_reason == "A disk fails."


def test_hold_begin_and_end(browser: Client, operator: Account) -> None:
    window = announced()
    at = f"{SITE}{window.id}/"
    answer = browser.post(f"{at}begin/", {"reason": ""})
    assert "give the reason of the emergency" in text(answer)
    browser.post(f"{at}hold/", {"reason": "The copy is not ready."})
    with clock.moved_by(timedelta(hours=NOTICE + 9)):
        browser = signed_in(operator)
        assert browser.post(f"{at}begin/", {"reason": ""}).status_code == 302
        page = text(browser.get(f"{at}change/"))
        assert f'href="{at}end/"' in page
        assert f'href="{at}cancel/"' not in page
        assert browser.post(f"{at}end/").status_code == 302
    window.refresh_from_db()
    assert window.ended_at is not None
    assert [step.occasion for step in window.steps.order_by("id")] == [
        "announced",
        "held",
        "began",
        "ended",
    ]


def test_prolong_what_has_begun(browser: Client) -> None:
    browser.post(f"{SITE}add/", typed())
    window = MaintenanceWindow.objects.get()
    at = f"{SITE}{window.id}/"
    browser.post(f"{at}begin/", {"reason": "A disk fails."})
    window.refresh_from_db()
    longer = typed(window.starts_at, window.ends_at + timedelta(hours=1))
    assert "give the reason" in text(browser.post(f"{at}change/", longer))
    longer["emergency_reason"] = "Slow disks."
    assert browser.post(f"{at}change/", longer).status_code == 302
    assert window.steps.latest("id").occasion == "changed"


def test_who_comes_second_is_told(browser: Client, operator: Account) -> None:
    window = announced()
    with as_operator():
        cancel_window(window_id=window.id, reason="No need.")
    answer = browser.post(f"{SITE}{window.id}/cancel/", {"reason": "Mine."})
    assert "The window is cancelled now." in text(answer)
    running = announced()
    with clock.moved_by(timedelta(hours=NOTICE + 9)):
        with as_operator():
            end_window(window_id=running.id)
        assert "ended" in text(signed_in(operator).post(f"{SITE}{running.id}/end/"))


def test_what_is_over_is_only_looked_at(browser: Client) -> None:
    window = announced()
    with as_operator():
        cancel_window(window_id=window.id, reason="No need.")
    page = text(browser.get(f"{SITE}{window.id}/change/"))
    assert SUMMARY in page
    assert 'name="_save"' not in page
    assert browser.post(f"{SITE}{window.id}/change/", typed()).status_code == 403
    assert browser.post(f"{SITE}{window.id}/delete/").status_code == 403


def test_a_window_that_there_is_not(browser: Client) -> None:
    nowhere = "0b9f4f4e-3f0e-4f0e-9f0e-3f0e4f0e9f0e"
    assert browser.get(f"{SITE}{nowhere}/end/").status_code == 404


def test_nobody_else_acts_and_operators_give_their_factor_first(
    operator: Account, alice: Membership
) -> None:
    window = announced()
    stale = Client()
    stale.force_login(operator)
    for browser, where in (
        (Client(), "/operator/login/"),
        (cast.signed_in(alice), "/operator/login/"),
        (stale, "/console/step-up"),
    ):
        for act in ("begin", "hold", "end", "cancel"):
            answer = browser.post(f"{SITE}{window.id}/{act}/", {"reason": "x"})
            assert answer["Location"].startswith(where), act
    assert [step.occasion for step in window.steps.all()] == ["announced"]
