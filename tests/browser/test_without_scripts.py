"""The main work with JavaScript switched off."""

from playwright.sync_api import expect

from invitations.services.tokens import invitation_link
from tests.browser.browsers import BrowserAs, NewBrowser
from tests.browser.hands import csv_file, give_password
from tests.browser.scene import Scene
from tests.orgs.sign_in.people import PASSWORD, person


def test_signing_in_and_out(new_browser: NewBrowser, scene: Scene) -> None:
    alice = person(scene.alice)
    page = new_browser(scripts=False)
    page.goto("/console/")
    give_password(page, alice.email, PASSWORD)
    page.get_by_label("Code").fill(alice.code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_opening_an_invitation(new_browser: NewBrowser, scene: Scene) -> None:
    link = invitation_link(scene.invitations["by_hand"])
    page = new_browser(scripts=False)
    page.goto(f"/i/#{link.partition('#')[2]}")
    page.get_by_label("Link").fill(link)
    page.get_by_role("button", name="Show the invitation").click()

    expect(page.get_by_role("heading", name="Northgate Hospital Trust invites you")).to_be_visible()


def test_inviting(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice, scripts=False)
    page.goto("/console/northgate/invitations/new")
    page.get_by_label("Name").fill("Yusuf Khan")
    page.get_by_label("Phone number").fill("12")
    page.get_by_role("button", name="Issue the invitation").click()
    expect(page.get_by_role("alert")).to_contain_text("country code")
    page.get_by_label("Phone number").fill("+44 7700 900401")
    page.get_by_label("By hand").check()
    page.get_by_role("button", name="Issue the invitation").click()

    expect(page.get_by_role("heading", name="Yusuf Khan")).to_be_visible()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()


def test_approving(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice, scripts=False)
    page.goto("/console/northgate/approvals")
    page.get_by_role("link", name="Piotr Zieliński").click()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Say how you compared the fingerprint.")
    page.get_by_label("On a call").check()
    page.get_by_role("button", name="Approve", exact=True).click()

    expect(page.get_by_text("Piotr Zieliński's iPhone is approved.")).to_be_visible()


def test_suspending(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice, scripts=False)
    page.goto("/console/northgate/members?text=Bob")
    page.get_by_role("link", name="Bob Stone").click()
    page.get_by_role("link", name="Suspend").click()
    page.get_by_label("Reason").fill("Long leave.")
    page.get_by_role("button", name="Suspend").click()

    expect(page.get_by_role("cell", name="Long leave.")).to_be_visible()


def test_ending_many(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice, scripts=False)
    page.goto("/console/northgate/members")
    page.get_by_role("link", name="Suspend or end many").click()
    page.get_by_label("End their memberships").check()
    page.get_by_label("List (CSV)").set_input_files(csv_file("email", "bob@northgate.example"))
    page.get_by_role("button", name="Look at the list").click()
    expect(page.get_by_role("cell", name="The membership ends")).to_be_visible()
    page.get_by_label("Reason").fill("The unit closes.")
    page.get_by_role("button", name="End the memberships").click()

    expect(page.get_by_role("heading", name="What was done")).to_be_visible()
    expect(page.get_by_role("cell", name="Not done")).to_have_count(0)
