"""A window of maintenance, seen through: announced, mailed, above every page, closed, over."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_string, policy
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from orgs.models import MaintenanceWindow, Organisation, Role
from orgs.services.accounts import create_operator
from orgs.services.factors import confirm_set_up
from orgs.tasks import deliver_waiting_mail
from orgs.totp import new_totp_key
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.closing import CLOSING
from tests import cast
from tests.browser.browsers import BrowserAs, NewBrowser, look
from tests.browser.hands import code_of, give_password
from tests.orgs.maintenance.windows import SUMMARY, ahead, sweep
from tests.orgs.sign_in.people import PASSWORD, STEP

OPERATOR = "olga@semafore.example"
WINDOWS = "/operator/orgs/maintenancewindow/"
STARTS_IN = timedelta(hours=80)


@pytest.fixture
def mails(settings: Settings, tmp_path: Path, outbox: Path) -> Path:
    """Where mail is left, as on a developer's machine."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """The time has come for something; workers have worked."""
    with clock.moved_by(by):
        CLOSING.ask_anew()
        sweep()
        deliver_waiting_mail()
        yield


def subjects(mails: Path, to: str) -> list[str]:
    """What somebody has been mailed, oldest first."""
    found = [
        message_from_string(text, policy=policy.default)
        for file in sorted(mails.glob("*"), key=lambda one: one.stat().st_mtime_ns)
        for text in file.read_text().split(f"\n{'-' * 79}\n")
    ]
    return [str(one["Subject"]) for one in found if one["To"] == to]


def sign_in(page: Page, key: bytes, *, after: timedelta = timedelta(0)) -> None:
    """The operator signs in, so long after the test began."""
    page.goto("/operator/")
    give_password(page, OPERATOR, PASSWORD)
    page.get_by_label("Code").fill(code_of(key, steps=after // STEP))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Platform")).to_be_visible()


def announce(page: Page) -> MaintenanceWindow:
    """The form, first with too short a notice."""
    page.goto(f"{WINDOWS}add/")
    page.get_by_label("What is done").fill(SUMMARY)
    page.get_by_label("Everything closed").check()
    _fill_times(page, hours=2)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Organisations are promised up to 72 hours of notice")).to_be_visible()
    look(page, "operator-maintenance-refused")
    _fill_times(page, hours=STARTS_IN.total_seconds() / 3600)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    look(page, "operator-maintenance-list")
    return MaintenanceWindow.objects.get()


def _fill_times(page: Page, *, hours: float) -> None:
    for name, at in (("starts_at", ahead(hours)), ("ends_at", ahead(hours + 2))):
        page.locator(f"[name={name}]").fill(f"{at:%Y-%m-%dT%H:%M:%S}")


def test_a_window_is_seen_through(
    new_browser: NewBrowser, browser_as: BrowserAs, acme: Organisation, mails: Path
) -> None:
    key = new_totp_key()
    alice = cast.member(acme, "Alice", Role.OWNER)
    with acting_as(SYSTEM):
        account = create_operator(email=OPERATOR, password=PASSWORD)
        # A minute ago: the code of now is still good for the sign-in.
        with clock.moved_by(-2 * STEP):
            confirm_set_up(account=account, key=key, code=code_of(key, steps=-2))
    operator = new_browser()
    sign_in(operator, key)
    window = announce(operator)

    sweep()
    deliver_waiting_mail()
    starts = f"{window.starts_at:%A %-d %B %Y, %H:%M} UTC"
    told = [f"SemaFore maintenance on {starts}"]
    assert subjects(mails, alice.email) == told
    operator.goto(f"{WINDOWS}{window.id}/change/")
    expect(operator.get_by_text("1 organisation told")).to_be_visible()
    look(operator, "operator-maintenance-window")
    above_every_page(browser_as(alice), acme, window)

    with moved(STARTS_IN - timedelta(hours=23)):
        told.append(f"SemaFore maintenance begins soon: {starts}")
        assert subjects(mails, alice.email) == told

    closed_at = STARTS_IN + timedelta(hours=1)
    with moved(closed_at):
        told.append("SemaFore maintenance has begun")
        assert subjects(mails, alice.email) == told
        turned_away(browser_as(alice), acme)
        # The operator's session is over by now.
        operator = new_browser()
        sign_in(operator, key, after=closed_at)
        end(operator, window)
        sweep()
        deliver_waiting_mail()
        told.append("SemaFore maintenance is over")
        assert subjects(mails, alice.email) == told
        page = browser_as(alice)
        page.goto(f"/console/{acme.slug}/members")
        expect(page.get_by_role("heading", name="Members")).to_be_visible()
        expect(page.locator(".ribbon")).to_have_count(0)


def above_every_page(page: Page, of: Organisation, window: MaintenanceWindow) -> None:
    """One line with a link, in UTC and in the viewer's own time."""
    page.goto(f"/console/{of.slug}/")
    ribbon = page.get_by_role("complementary", name="Maintenance")
    expect(ribbon).to_contain_text(f"{window.starts_at:%-d %b %Y, %H:%M} UTC (")
    look(page, "ribbon")
    ribbon.get_by_role("link", name="What is planned").click()
    expect(page.get_by_role("heading", name="Maintenance window")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Alice")


def turned_away(page: Page, of: Organisation) -> None:
    """The page that everybody gets, and what a program gets."""
    answer = page.goto(f"/console/{of.slug}/members")
    assert answer is not None
    assert answer.status == 503
    expect(page.get_by_role("heading", name="Closed for maintenance")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(SUMMARY)
    look(page, "closed-for-maintenance")
    told = page.request.get("/api/mobile/config")
    assert (told.status, told.json()["code"]) == (503, "maintenance")
    assert int(told.headers["retry-after"]) > 0


def end(page: Page, window: MaintenanceWindow) -> None:
    """On a page of its own."""
    page.goto(f"{WINDOWS}{window.id}/change/")
    page.get_by_role("link", name="End now").click()
    expect(page.get_by_role("button", name="End now")).to_be_visible()
    look(page, "operator-maintenance-end")
    page.get_by_role("button", name="End now").click()
    expect(page.get_by_text("End now: done.")).to_be_visible()
