"""Maintenance in an organisation's console: the page, and the line above every other."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.models import MaintenanceKind, Membership, Organisation, Role
from orgs.services.maintenance import cancel_window, hold_window
from orgs.tasks import deliver_waiting_mail, tell_of_maintenance
from semafore.kernel import clock
from tests import cast
from tests.orgs.maintenance.windows import NOTICE, SUMMARY, announced, as_operator, later

RIBBON = 'class="ribbon"'


def page(person: Membership, path: str = "maintenance") -> str:
    answer = cast.signed_in(person).get(f"/console/{person.organisation.slug}/{path}")
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_nothing_ahead_and_nothing_past(alice: Membership) -> None:
    text = page(alice)
    assert "No maintenance is planned." in text
    assert "There has been no maintenance" in text
    assert RIBBON not in text


def test_a_window_stands_above_every_page_until_it_is_over(alice: Membership) -> None:
    window = announced(kind=MaintenanceKind.UNINTERRUPTED)
    for path in ("", "members", "settings", "maintenance"):
        text = page(alice, path)
        assert RIBBON in text, path
        assert f'href="/console/{alice.organisation.slug}/maintenance/{window.id}"' in text
        assert f'<time datetime="{clock.rfc3339(window.starts_at)}" data-both>' in text
    with clock.moved_by(timedelta(hours=NOTICE + 9)):
        assert "Maintenance is under way, until" in page(alice, "members")
    with clock.moved_by(timedelta(hours=NOTICE + 11)):
        assert RIBBON not in page(alice, "members")


def test_the_line_says_that_it_is_held_back_and_that_there_is_more(alice: Membership) -> None:
    window = announced()
    assert "more after that" not in page(alice)
    announced(hours=NOTICE + 30)
    with as_operator():
        hold_window(window_id=window.id, reason="The copy is not ready.")
    text = page(alice)
    assert "Maintenance is held back" in text
    assert "more after that" in text


def test_the_page_lists_what_is_ahead_and_what_was(acme: Organisation, alice: Membership) -> None:
    adam = cast.member(acme, "Adam", Role.ADMIN)
    cast.member(acme, "Hana", Role.AUDITOR)
    announced(summary="A new machine.")
    called_off = announced(summary="A newer machine.")
    with as_operator():
        cancel_window(window_id=called_off.id, reason="Not needed.")
    with later(NOTICE + 20):
        announced(summary="The newest machine.")
        text = page(alice)
    ahead, _, rest = text.partition("Who is told")
    told, _, past = rest.partition("Past</h2>")
    assert "The newest machine." in ahead
    assert "at least 72 hours before" in told
    assert adam.email in told
    assert "Hana" not in told
    assert "A new machine." in past
    assert 'status-ended">Ended' in past
    assert 'status-cancelled">Cancelled' in past


def test_a_window_says_who_of_us_was_mailed_and_when(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    window = announced(emergency_reason="A disk fails.")
    path = f"maintenance/{window.id}"
    assert "this very minute" in page(alice, path)
    tell_of_maintenance()
    assert "not taken by the mail server" in page(alice, path)
    deliver_waiting_mail()
    tell_of_maintenance()
    text = page(alice, path)
    for words in (SUMMARY, "A disk fails.", "Announced", "Alice", "Console, devices and programs"):
        assert words in text, words
    assert "not taken by the mail server" not in text
    assert "Charlie" not in text


def test_windows_from_before_are_not_found(acme: Organisation, alice: Membership) -> None:
    window = announced()
    with later(NOTICE + 20):
        late = cast.organisation("Initech")
        newcomer = cast.member(late, "Nia", Role.OWNER)
        browser = cast.signed_in(newcomer)
        assert browser.get(f"/console/{late.slug}/maintenance/{window.id}").status_code == 404
        assert SUMMARY not in page(newcomer)
        assert SUMMARY in page(alice)


def test_many_windows_cost_no_more_statements(acme: Organisation, alice: Membership) -> None:
    def statements(path: str) -> int:
        browser = cast.signed_in(alice)
        address = f"/console/{acme.slug}/{path}"
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            browser.get(address)
        return len(captured)

    window = announced()
    tell_of_maintenance()
    few = statements("maintenance"), statements(f"maintenance/{window.id}")
    for hours in range(5):
        announced(hours=NOTICE + 20 + hours)
        cast.member(acme, f"Ann {hours}", Role.ADMIN)
    with later(NOTICE + 9):
        many = statements("maintenance"), statements(f"maintenance/{window.id}")
    assert many == few
    assert max(many) <= 20
