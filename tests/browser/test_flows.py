"""The pages that only lead on from others: sign-in, links, what is done to many at once."""

import re
from urllib.parse import urlsplit

from django.core import mail
from playwright.sync_api import Page, expect

from invitations.models import Invitation
from invitations.services.tokens import invitation_token
from orgs.models import MembershipStatus, Organisation, Role
from orgs.services.memberships import admit_member
from orgs.tasks import deliver_waiting_mail
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.browser.browsers import BrowserAs, NewBrowser, look, seen
from tests.browser.hands import confirm_set_up, csv_file, give_password
from tests.browser.scene import Scene
from tests.orgs.sign_in.people import PASSWORD, WRONG, person, with_password


def mailed_path(subject: str) -> str:
    """The address within this server that the last mail of this subject leads to."""
    deliver_waiting_mail()
    text = next(sent.body for sent in reversed(mail.outbox) if subject in sent.subject)
    found = re.search(r"http\S+", str(text))
    assert found is not None
    return urlsplit(found[0]).path


def test_signing_in(new_browser: NewBrowser, scene: Scene) -> None:
    alice = person(scene.alice)
    page = new_browser()
    page.goto("/console/")
    seen(page, "sign_in")
    give_password(page, alice.email, WRONG)
    expect(page.get_by_role("alert")).to_be_focused()
    look(page, "sign-in-refused")
    give_password(page, alice.email, PASSWORD)
    seen(page, "sign_in_code")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look(page, "sign-in-code-refused")
    page.get_by_label("Code").fill(alice.recovery_codes[0])
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_first_second_factor(new_browser: NewBrowser, scene: Scene) -> None:
    with_password(scene.people["hana"])
    page = new_browser()
    page.goto("/console/sign-in")
    give_password(page, "hana@northgate.example", PASSWORD)
    seen(page, "sign_in_factor")
    confirm_set_up(page)
    expect(page.locator("ol code")).to_have_count(10)
    look(page, "recovery-codes-shown")
    page.get_by_role("link", name="I have kept them").click()

    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_second_factor_that_was_reset(new_browser: NewBrowser, scene: Scene) -> None:
    with_password(scene.people["visitor"])
    page = new_browser()
    page.goto("/console/sign-in")
    give_password(page, "visitor@northgate.example", PASSWORD)
    seen(page, "sign_in_link")
    page.get_by_role("button", name="Send a new link").click()
    expect(page.get_by_text("The link is on its way.")).to_be_visible()
    look(page, "sign-in-link-sent")
    page.goto(mailed_path("second factor"))
    give_password(page, "visitor@northgate.example", PASSWORD)
    confirm_set_up(page)

    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()


def test_a_forgotten_password(new_browser: NewBrowser, scene: Scene) -> None:
    alice = person(scene.alice)
    page = new_browser()
    page.goto("/console/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    seen(page, "password_forgotten")
    page.get_by_label("Email").fill(alice.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_text("a link is on its way.")).to_be_visible()
    look(page, "password-mailed")
    page.goto(mailed_path("password"))
    seen(page, "password_new")
    page.get_by_label("New password", exact=True).fill("ein ganz anderes wort")
    page.get_by_label("New password again").fill("ein ganz anderes wort")
    page.get_by_label("Code").fill(alice.code)
    page.get_by_role("button", name="Set password").click()

    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    seen(page, "sign_in", "-changed")


def test_choosing_a_console(browser_as: BrowserAs, scene: Scene, globex: Organisation) -> None:
    with acting_as(SYSTEM), organisation_scope(globex.id):
        admit_member(
            account=scene.alice.account,
            name="Alice",
            email="alice@globex.example",
            role=Role.AUDITOR,
            status=MembershipStatus.ACTIVE,
        )
    page = browser_as(scene.alice)
    page.goto("/console/")
    seen(page, "consoles")

    nobody = browser_as(scene.people["bob"])
    nobody.goto("/console/")
    seen(nobody, "consoles", "-none")


def open_link(page: Page, invitation: Invitation) -> None:
    """As from a message: the script sends on what stands behind the #."""
    page.goto("about:blank")
    page.goto(f"/i/#{invitation_token(invitation)}")
    expect(page).to_have_url(re.compile("/i/invitation$"))


def test_an_invitation_by_phone(new_browser: NewBrowser, scene: Scene) -> None:
    page = new_browser()
    page.goto("/i/")
    seen(page, "landing")
    page.goto("/i/#nonsense")
    expect(page.get_by_role("alert")).to_be_visible()
    seen(page, "landing_open")

    open_link(page, scene.invitations["by_hand"])
    seen(page, "landing_invitation")
    page.get_by_role("link", name="Decline the invitation").click()
    seen(page, "landing_decline")
    page.get_by_role("button", name="Decline the invitation").click()
    expect(page.get_by_role("heading", name="You have declined")).to_be_visible()
    look(page, "landing-declined")


def test_an_invitation_by_email(new_browser: NewBrowser, scene: Scene) -> None:
    page = new_browser()
    open_link(page, scene.invitations["console"])
    seen(page, "landing_invitation", "-by-email")
    page.get_by_role("link", name="Accept").click()
    seen(page, "landing_accept")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("The same password again").fill("other")
    page.get_by_role("button", name="Accept the invitation").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look(page, "landing-accept-refused")

    open_link(page, scene.invitations["known"])
    page.get_by_role("link", name="Accept").click()
    seen(page, "landing_accept", "-known")


def test_deciding_on_several(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice)
    page.goto("/console/northgate/approvals")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Approve the ticked ones together").click()
    seen(page, "approvals_batch")
    for choice in page.get_by_role("combobox").all():
        choice.select_option("call")
    page.get_by_role("button", name="Approve these").click()

    expect(page.get_by_role("row")).to_have_count(4)
    look(page, "approvals-batch-done")
    page.goto("/console/northgate/approvals")
    look(page, "approvals-empty")


def test_suspending_many(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice)
    page.goto("/console/northgate/members/bulk")
    page.get_by_label("Suspend").check()
    page.get_by_label("List (CSV)").set_input_files(
        csv_file("email", "bob@northgate.example", "nobody@northgate.example")
    )
    page.get_by_role("button", name="Look at the list").click()
    seen(page, "members_bulk_confirm")
    page.get_by_label("Reason").fill("The unit closes.")
    page.get_by_role("button", name="Suspend").click()

    seen(page, "members_bulk_result")


def test_inviting_many(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice)
    page.goto("/console/northgate/invitations/bulk/confirm")
    seen(page, "invitations_bulk")
    template = page.request.get("/console/northgate/invitations/bulk/template.csv")
    assert template.headers["content-type"].startswith("text/csv")
    page.get_by_label("CSV file").set_input_files(
        csv_file("name,phone,unit", "Yusuf Khan,+447700900401,Theatre", "Zoe Lee,12,Theatre")
    )
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("Left out:")).to_be_visible()
    look(page, "invitations-bulk-preview")
    page.get_by_role("button", name="Invite 1 person").click()

    expect(page.get_by_text("1 person invited.")).to_be_visible()


def test_a_new_service_token(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice)
    page.goto("/console/northgate/settings/service-tokens/new")
    page.get_by_label("Name").fill("SIEM")
    page.get_by_role("button", name="Issue token").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look(page, "service-token-refused")
    page.get_by_label("Read events").check()
    page.get_by_role("button", name="Issue token").click()

    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    look(page, "service-token-issued")


def test_an_organisation_that_has_just_begun(browser_as: BrowserAs, acme: Organisation) -> None:
    page = browser_as(cast.member(acme, "Alice", Role.OWNER))
    work = ("", "approvals", "approvals?tab=decided", "approvals?tab=expired", "devices")
    rooms = ("rooms", "parties", "broadcasts", "screenshots", "reachability")
    reach = (f"reachability?tab={tab}" for tab in ("keys", "pushes", "mail"))
    for path in (*work, "invitations", *rooms, *reach, "settings/service-tokens"):
        answer = page.goto(f"/console/{acme.slug}/{path}")
        assert answer is not None
        assert answer.status == 200
        look(page, "empty-" + re.sub(r"\W+", "-", path))
