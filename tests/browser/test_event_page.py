"""The proof of an event, verified by the browser that shows it."""

import base64

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.browsers import BrowserAs, look
from tests.browser.scene import Scene

FAILS = "This does not hold"
HOLDS = "Checked in this browser"


def opened(page: Page, scene: Scene, event: str) -> Page:
    """The event's page, ready to verify."""
    page.goto(f"/console/northgate/audit/events/{scene.events[event]}")
    expect(page.get_by_role("button", name="Verify in this browser")).to_be_visible()
    return page


def verified(page: Page) -> str:
    """What the page says once it has verified."""
    page.get_by_role("button", name="Verify in this browser").click()
    expect(page.locator("[data-findings] h3").first).to_be_visible()
    return page.locator("[data-findings]").inner_text()


@pytest.mark.parametrize("event", ["revoked", "changed", "issued", "swept", "gone"])
def test_a_proof_holds(browser_as: BrowserAs, scene: Scene, event: str) -> None:
    page = opened(browser_as(scene.alice), scene, event)
    said = verified(page)
    assert FAILS not in said
    assert HOLDS in said
    assert "This page shows what the proof says" in said
    look(page, f"event-verified-{event}")


LIES = {
    "type": "element => { element.textContent = 'member.suspended' }",
    "index": "element => { element.textContent = '7' }",
    "time": "element => { element.querySelector('time').dateTime = '2020-01-01T00:00:00.000000Z' }",
}


@pytest.mark.parametrize("fact", LIES)
def test_a_page_that_shows_something_else_is_caught(
    browser_as: BrowserAs, scene: Scene, fact: str
) -> None:
    page = opened(browser_as(scene.alice), scene, "revoked")
    page.locator(f"[data-proved$='{fact}']").first.evaluate(LIES[fact])
    said = verified(page)
    assert FAILS in said
    assert "and the proof says" in said
    assert HOLDS not in said or "This page shows what the proof says" not in said


def test_a_proof_that_was_changed_is_caught(browser_as: BrowserAs, scene: Scene) -> None:
    page = opened(browser_as(scene.alice), scene, "revoked")

    def change(route: Route) -> None:
        lines = route.fetch().text().split("\n")
        extra = base64.b64decode(lines[1].removeprefix("extra "))
        lines[1] = "extra " + base64.b64encode(extra.replace(b"device.", b"member.")).decode()
        route.fulfill(body="\n".join(lines), content_type="text/plain")

    page.route("**/proof", change)
    assert FAILS in verified(page)
    look(page, "event-refused")


def test_without_scripts_it_says_how_to_verify(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice, scripts=False)
    page.goto(f"/console/northgate/audit/events/{scene.events['revoked']}")
    expect(page.get_by_role("button", name="Verify in this browser")).to_have_count(0)
    page.get_by_text("Verify it without this page").click()
    expect(page.get_by_text("python verifier.py")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    assert download.value.suggested_filename.endswith(".tlog-proof")
