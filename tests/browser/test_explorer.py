"""The audit log's explorer as a person uses it: filter, take away, follow names, save, open."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsers import BrowserAs, look
from tests.browser.scene import Scene

AUDIT = "/console/northgate/audit"


def sentences(page: Page) -> Locator:
    """What the lines say; of the page that is on its way, if one is."""
    return page.locator("tbody th a")


@pytest.mark.parametrize("scripts", [True, False])
def test_filtering_and_taking_filters_away(
    browser_as: BrowserAs, scene: Scene, *, scripts: bool
) -> None:
    page = browser_as(scene.alice, scripts=scripts)
    page.goto(AUDIT)
    page.get_by_label("What happened").select_option("member.suspended")
    page.get_by_role("textbox", name="Who").fill("Adam")
    page.get_by_role("button", name="Filter").click()
    adam = scene.people["adam"].id
    expect(page).to_have_url(re.compile(rf"/audit\?action=member\.suspended&actor={adam}$"))
    expect(sentences(page)).to_have_text([re.compile("^Adam Whitlock suspended")] * 2)
    if scripts:
        look(page, "audit-filtered")

    page.get_by_role("link", name="What happened Member suspended (take this filter away)").click()
    expect(page).to_have_url(re.compile(rf"/audit\?actor={adam}$"))
    expect(sentences(page).nth(2)).to_be_visible()
    page.get_by_title("Only what was done to Grace Holt").first.click()
    expect(page.get_by_role("link", name="To whom or what Grace Holt")).to_be_visible()
    expect(sentences(page)).to_have_text(["Adam Whitlock suspended Grace Holt."])

    page.get_by_role("link", name="Adam Whitlock suspended Grace Holt.").click()
    expect(page.get_by_role("heading", name="suspended Grace Holt", level=1)).to_be_visible()
    page.get_by_role("link", name="Back to the search").click()
    expect(sentences(page)).to_have_text(["Adam Whitlock suspended Grace Holt."])
    page.get_by_role("link", name="Clear all").click()
    expect(page).to_have_url(re.compile(r"/audit$"))


@pytest.mark.parametrize("scripts", [True, False])
def test_saving_opening_and_deleting_a_search(
    browser_as: BrowserAs, scene: Scene, *, scripts: bool
) -> None:
    page = browser_as(scene.alice, scripts=scripts)
    page.goto(f"{AUDIT}?period=7&action=device.revoked")
    page.get_by_role("link", name="Save this search").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Name")
    page.get_by_label("Name").fill("Lost devices")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The search “Lost devices” is saved.")).to_be_visible()
    page.get_by_role("link", name="Lost devices", exact=True).click()
    expect(page).to_have_url(re.compile(r"/audit\?period=7&action=device\.revoked$"))
    expect(sentences(page).first).to_be_visible()

    page.get_by_role("link", name="Saved searches").click()
    page.get_by_role("link", name="Delete Lost devices").click()
    page.get_by_label("Reason").fill("Found them all.")
    page.get_by_role("button", name="Delete the search").click()
    expect(page.get_by_text("The search “Lost devices” is deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="Lost devices", exact=True)).to_have_count(0)


def test_a_name_that_several_have_is_chosen(browser_as: BrowserAs, scene: Scene) -> None:
    scene.person("other", "Bob Marsh")
    page = browser_as(scene.alice)
    page.goto(AUDIT)
    page.get_by_role("textbox", name="Who").fill("Bob")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="Who: several fit what you typed")).to_be_visible()
    look(page, "audit-several")
    page.get_by_role("link", name="Bob Stone", exact=True).click()
    expect(page.get_by_role("link", name="Who Bob Stone (take this filter away)")).to_be_visible()


def test_counts_lead_to_the_events_behind_them(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice, scripts=False)
    page.goto(f"{AUDIT}?action=member.suspended")
    page.get_by_role("navigation", name="Audit log").get_by_role("link", name="Counts").click()
    row = page.get_by_role("row", name=re.compile("Adam Whitlock"))
    expect(row.get_by_role("cell", name="2")).to_be_visible()
    row.get_by_role("link", name="Adam Whitlock").click()
    expect(sentences(page)).to_have_count(2)
