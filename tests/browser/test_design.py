"""The design as a person sees it: every part, every error page, in both schemes and narrow."""

import re

import pytest
from playwright.sync_api import Page, expect

from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.memberships import admit_member
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests.browser.browsers import NARROW, SCREENSHOTS, BrowserAs, look

pytestmark = pytest.mark.usefixtures("gallery")


def test_the_parts(browser_as: BrowserAs, alice: Membership, acme: Organisation) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery")

    expect(page.get_by_role("heading", name="Gallery")).to_be_visible()
    look(page, "gallery")


def test_a_form_with_errors(browser_as: BrowserAs, alice: Membership, acme: Organisation) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery")
    page.get_by_role("textbox", name="Name", exact=True).fill("Bob Stone")
    page.get_by_role("button", name="Save").click()

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: Gallery "))
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Bob Stone")
    look(page, "gallery-errors")

    summary.get_by_role("link").nth(1).click()
    expect(page.get_by_label("In person")).to_be_focused()


def test_a_page_for_one_decision(
    browser_as: BrowserAs, alice: Membership, acme: Organisation
) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery/confirm")

    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    look(page, "confirm")


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/console/nowhere/at/all", 404, "Not found"),
        ("/console/forbidden", 403, "Your role does not allow this"),
        ("/console/broken", 500, "Something went wrong on our side"),
        ("/console/away", 503, "The service is not available just now. Try again"),
        ("/i/ended", 410, "This invitation has expired"),
    ],
)
def test_an_error_page(page: Page, path: str, status: int, heading: str) -> None:
    answer = page.goto(path)

    assert answer is not None
    assert answer.status == status
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    look(page, f"error-{status}")


def test_the_menu_of_a_narrow_page(
    browser_as: BrowserAs, alice: Membership, acme: Organisation
) -> None:
    page = browser_as(alice)
    page.set_viewport_size(NARROW)
    page.goto(f"/console/{acme.slug}/members")
    members = page.get_by_role("link", name="Members")

    expect(members).not_to_be_visible()
    page.get_by_text("Menu", exact=True).click()
    expect(members).to_have_attribute("aria-current", "page")
    page.screenshot(path=SCREENSHOTS / "menu-narrow.png")
    page.keyboard.press("Escape")
    expect(members).not_to_be_visible()


def test_the_switcher(
    browser_as: BrowserAs, alice: Membership, acme: Organisation, globex: Organisation
) -> None:
    with acting_as(SYSTEM), organisation_scope(globex.id):
        admit_member(
            account=alice.account,
            name="Alice",
            phone=alice.phone,
            email=alice.email,
            role=Role.AUDITOR,
            status=MembershipStatus.ACTIVE,
        )
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/")
    page.locator("summary", has_text="Acme").click()
    look(page, "switcher")
    page.get_by_role("link", name="Globex").click()

    expect(page).to_have_url(f"/console/{globex.slug}/")
    expect(page.get_by_role("link", name="Service tokens")).to_have_count(0)


def test_the_keyboard(browser_as: BrowserAs, alice: Membership, acme: Organisation) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()


def test_times_and_copies(browser_as: BrowserAs, alice: Membership, acme: Organisation) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery")
    time = page.get_by_role("cell").locator("time").first

    expect(time).to_contain_text("UTC")
    page.get_by_role("button", name="Show my time").click()
    expect(time).to_contain_text("CE")
    expect(page.get_by_role("button", name="Show UTC")).to_be_visible()

    page.locator("dd").get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "30251 98476 12034 55581 90210 44637 18825 00971 63340 72519 28846 51103"


def test_long_work_is_followed(
    browser_as: BrowserAs, alice: Membership, acme: Organisation
) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery/job")
    job = page.get_by_role("region", name="Progress")
    page.evaluate("window.stayed = true")

    expect(job).to_contain_text("5000 of 5000 rows")
    expect(job).to_contain_text("Finished")
    assert page.evaluate("window.stayed")
    assert job.get_attribute("hx-get") is None


def test_on_paper(browser_as: BrowserAs, alice: Membership, acme: Organisation) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery")
    page.emulate_media(media="print")

    expect(page.get_by_role("heading", name="Gallery")).to_be_visible()
    expect(page.get_by_role("navigation", name="Console")).not_to_be_visible()
    expect(page.get_by_role("button", name="Copy").first).not_to_be_visible()
    page.screenshot(path=SCREENSHOTS / "gallery-print.png", full_page=True)


def test_a_form_is_sent_once(browser_as: BrowserAs, alice: Membership, acme: Organisation) -> None:
    page = browser_as(alice)
    page.goto(f"/console/{acme.slug}/gallery")
    # Counts what would be sent, and stays on the page. The buttons don't come back: the time after
    # which they do may be over on a slow machine.
    page.evaluate(
        """() => {
            const soon = window.setTimeout;
            window.setTimeout = (act, after, ...rest) => (after ? 0 : soon(act, after, ...rest));
            window.sent = 0;
            document.addEventListener("submit", (event) => {
                window.sent += event.defaultPrevented ? 0 : 1;
                event.preventDefault();
            });
        }"""
    )
    save = page.get_by_role("button", name="Save")
    save.click()
    expect(save).to_be_disabled()

    # Pressing Enter in a field sends the form without its button.
    page.evaluate("document.querySelector('form[enctype]').requestSubmit()")
    assert page.evaluate("window.sent") == 1


def test_without_a_script(browser_as: BrowserAs, alice: Membership, acme: Organisation) -> None:
    page = browser_as(alice, scripts=False)
    page.set_viewport_size(NARROW)
    page.goto(f"/console/{acme.slug}/members")
    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("link", name="Devices").click()

    expect(page).to_have_url(f"/console/{acme.slug}/devices")
