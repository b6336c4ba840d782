"""External rooms as people see to them at the console."""

import re
from datetime import timedelta

from django.urls import reverse
from playwright.sync_api import Page, expect

from semafore.kernel import clock
from tests.browser.browsers import BrowserAs, look, seen
from tests.browser.scene import Scene

GUESTS = (("Kofi Mensah", "+44 7700 900701"), ("Lara Winter", "+44 7700 900702"))


def open_page(page: Page, scene: Scene, name: str, *args: object) -> None:
    page.goto(reverse(name, args=[scene.organisation.slug, *args]))


def in_days(days: int) -> str:
    return f"{clock.now() + timedelta(days=days):%Y-%m-%dT%H:%M}"


def ask_for_the_room(page: Page, scene: Scene) -> None:
    open_page(page, scene, "rooms")
    page.get_by_role("link", name="Ask for an external room").click()
    page.get_by_role("button", name="Ask for the approval").click()
    expect(page.get_by_role("alert")).to_contain_text("Give the name of guest 1.")
    look(page, "room-request-new-refused")
    page.get_by_label("Name of the room").fill("Pump failure")
    page.get_by_label("Purpose").fill("Find out why the pumps stop.")
    page.get_by_label("Company").fill("Calder Medical Supplies")
    page.get_by_label("Ends at (UTC)").fill(in_days(10))
    page.get_by_label("People of the organisation").fill("bob@northgate.example")
    for number, (name, phone) in enumerate(GUESTS, 1):
        row = page.get_by_role("group", name=f"Guest {number}")
        row.get_by_label("Name").fill(name)
        row.get_by_label("Phone number").fill(phone)
    page.get_by_role("button", name="Ask for the approval").click()
    expect(page.get_by_text("You asked for this, so somebody else decides.")).to_be_visible()


def approve(page: Page, scene: Scene, what: str) -> None:
    open_page(page, scene, "approvals")
    page.get_by_role("link", name="Pump failure").click()
    page.get_by_label("Approve").check()
    page.get_by_role("button", name="Decide", exact=True).click()
    expect(page.get_by_text(f"Pump failure, {what}: approved.")).to_be_visible()


def test_a_room_from_the_request_to_its_end(browser_as: BrowserAs, scene: Scene) -> None:
    alice, adam, oliver = (browser_as(scene.people[name]) for name in ("alice", "adam", "oliver"))
    ask_for_the_room(alice, scene)

    approve(adam, scene, "a new external room")
    alice.get_by_role("link", name="Pump failure").click()
    expect(alice.get_by_role("row", name="Bob Stone")).to_be_visible()
    expect(alice.get_by_text("No guest is in the room.")).to_be_visible()
    for name, _ in GUESTS:
        open_page(alice, scene, "invitations")
        alice.get_by_role("link", name=name).click()
        expect(alice.get_by_text("Guest of Calder Medical Supplies")).to_be_visible()

    open_page(alice, scene, "rooms")
    alice.get_by_role("link", name="Pump failure").click()
    alice.get_by_role("link", name="Extend").click()
    alice.get_by_label("Ends at (UTC)").fill(in_days(20))
    alice.get_by_label("Reason").fill("The supplier sends another pump.")
    alice.get_by_role("button", name="Ask for the approval").click()
    expect(alice.get_by_role("link", name="A later end")).to_be_visible()

    open_page(oliver, scene, "approvals")
    oliver.get_by_role("link", name="Pump failure").click()
    expect(oliver.get_by_label("Deny")).to_be_visible()
    approve(adam, scene, "a later end")
    oliver.get_by_label("Deny").check()
    oliver.get_by_label("Reason").fill("It has gone on for long enough.")
    oliver.get_by_role("button", name="Decide", exact=True).click()
    expect(oliver.get_by_text("Somebody else decided first")).to_be_visible()
    expect(oliver.get_by_text("Adam Whitlock approved this request on")).to_be_visible()
    look(oliver, "room-request-conflict")
    alice.reload()
    expect(alice.locator("main dl")).to_contain_text("in 20 days")

    alice.get_by_role("link", name="Close now").click()
    alice.get_by_label("Reason").fill("The pumps run again.")
    alice.get_by_role("button", name="Close the room now").click()
    expect(alice.get_by_text("Pump failure is closed.")).to_be_visible()
    seen(alice, "room", "-closed-by-hand")
    open_page(alice, scene, "invitations")
    alice.get_by_role("link", name=GUESTS[0][0]).click()
    expect(alice.locator("main").get_by_text("Revoked")).to_be_visible()


def test_a_timeline_is_walked_without_scripts(scene: Scene, browser_as: BrowserAs) -> None:
    page = browser_as(scene.people["hana"], scripts=False)
    open_page(page, scene, "room", scene.rooms["recall"].id)
    expect(page.locator(".timeline li")).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(page).to_have_url(re.compile("[?&]cursor="))
    expect(page.locator(".timeline li")).to_have_count(50)
    page.get_by_role("link", name="Who came and went").click()
    expect(page.locator(".timeline li")).to_have_count(5)
