"""From nothing to two devices that can write to each other, as people and their devices do it."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from django.core import mail
from playwright.sync_api import Page, expect
from pytest_django import Settings

from invitations.models import Delivery, Invitation
from invitations.tasks.invitations import send_invitation
from keys.fingerprint import fingerprint
from orgs.models import Organisation
from orgs.services.accounts import create_operator
from orgs.services.factors import confirm_set_up as confirm_factor
from orgs.totp import new_totp_key
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import DeviceClient
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.onboarding import OnboardingClient
from tests.browser.browsers import NewBrowser, look, seen
from tests.browser.hands import code_of, confirm_set_up, give_password
from tests.invitations.onboarding.acts import code_for
from tests.orgs.sign_in.people import PASSWORD, STEP

OPERATOR = "olga@semafore.example"
FOUNDERS = (("Amara Osei", "amara@northgate.example"), ("Ben Whitlock", "ben@northgate.example"))


@pytest.fixture(autouse=True)
def here(settings: Settings, address: str, outbox: Path) -> str:
    """Links and signatures name the server that the browser looks at."""
    settings.BASE_URL = address
    return address


def operator() -> bytes:
    """Somebody of SemaFore's own staff; the key of their authenticator."""
    key = new_totp_key()
    with acting_as(SYSTEM):
        account = create_operator(email=OPERATOR, password=PASSWORD)
        # A minute ago: the code of now is still good for the sign-in.
        with clock.moved_by(-2 * STEP):
            confirm_factor(account=account, key=key, code=code_of(key, steps=-2))
    return key


def found(page: Page, key: bytes) -> Organisation:
    """The operator signs in and creates an organisation with two founders."""
    page.goto("/operator/")
    give_password(page, OPERATOR, PASSWORD)
    page.get_by_label("Code").fill(code_of(key))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Platform")).to_be_visible()
    look(page, "operator")
    page.get_by_role("row", name="Organisations").get_by_role("link", name="Add").click()
    page.get_by_label("Name:", exact=True).fill("Northgate Hospital Trust")
    page.get_by_label("Slug:").fill("northgate")
    for which, (name, email) in zip(("First", "Second"), FOUNDERS, strict=True):
        page.get_by_label(f"{which} owner name").fill(name)
        page.get_by_label(f"{which} owner email").fill(email)
    look(page, "operator-founding")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    look(page, "operator-organisations")
    page.get_by_role("link", name="Northgate Hospital Trust").first.click()
    expect(page.get_by_role("link", name="Reset an owner")).to_be_visible()
    look(page, "operator-organisation")
    return Organisation.objects.get(slug="northgate")


def mailed_link(of: Organisation, to: str) -> str:
    """What the worker mails to somebody, once it has worked."""
    with organisation_scope(of.id):
        waiting = list(Invitation.objects.filter(delivery=Delivery.QUEUED))
    for invitation in waiting:
        send_invitation(str(of.id), str(invitation.id))
    (text,) = [str(sent.body) for sent in mail.outbox if sent.to == [to]]
    link = re.search(r"http\S+", text)
    assert link is not None
    return link[0]


def come_in(page: Page, link: str, email: str) -> None:
    """A founder follows the link, chooses a password and sets up an authenticator."""
    page.goto(link)
    expect(page.get_by_role("heading", name="Northgate Hospital Trust invites you")).to_be_visible()
    assert "#" not in page.url
    page.get_by_role("link", name="Accept").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Accept the invitation").click()
    expect(page.get_by_text("You belong to Northgate Hospital Trust now.")).to_be_visible()
    seen(page, "sign_in", "-accepted")
    give_password(page, email, PASSWORD)
    confirm_set_up(page)
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    expect(page.locator("ol code")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def invite(page: Page, name: str, phone: str) -> str:
    """An invitation to be passed on by hand; its link."""
    page.get_by_role("link", name="Invitations").click()
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Phone number").fill(phone)
    page.get_by_label("By hand").check()
    page.get_by_role("button", name="Issue the invitation").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def register(of: Organisation, here: str, link: str, phone: str) -> tuple[UUID, DeviceKeys, str]:
    """A device opens the invitation, proves the phone and registers; what it shows to compare."""
    keys = DeviceKeys.generate()
    with OnboardingClient(base_url=here) as onboarding:
        onboarding.start(link.partition("#")[2])
        onboarding.prove_phone(code_for(of, phone))
        registered = onboarding.register(
            keys.enrolment_body(onboarding.id, name="iPhone", platform="ios", one_time_pre_keys=5)
        )
    device_id = UUID(registered["device_id"])
    return device_id, keys, fingerprint(keys.identity_key, device_id)


def approve(page: Page, name: str, compared: str) -> None:
    """The administrator compares the fingerprint with what the device shows, and approves."""
    page.get_by_role("link", name="Approvals").click()
    page.get_by_role("link", name=name).click()
    expect(page.locator("code.fingerprint")).to_have_text(compared)
    page.get_by_label("In person").check()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text(f"{name}'s iPhone is approved.")).to_be_visible()


def agree(
    here: str, of: Organisation, one: tuple[UUID, DeviceKeys], other: tuple[UUID, DeviceKeys]
) -> None:
    """The one gets a token, claims the other's bundle, and both come to the same secret."""
    with DeviceClient(
        base_url=here, device_id=one[0], organisation_id=of.id, keys=one[1]
    ) as device:
        bundle = device.claim(other[0])
    # X3DH runs an event loop of its own, which this thread, Playwright's, can't.
    with ThreadPoolExecutor(1) as pool:
        secret, header = pool.submit(one[1].initiate, bundle).result()
        assert pool.submit(other[1].respond, header).result() == secret


def test_the_way_in(new_browser: NewBrowser, here: str) -> None:
    northgate = found(new_browser(), operator())
    pages = [new_browser() for _ in FOUNDERS]
    for page, (_, email) in zip(pages, FOUNDERS, strict=True):
        come_in(page, mailed_link(northgate, email), email)
    page = pages[0]

    devices = []
    for name, phone in (("Dana Cole", "+447700901001"), ("Erin Shaw", "+447700901002")):
        link = invite(page, name, phone)
        device_id, keys, shown = register(northgate, here, link, phone)
        approve(page, name, shown)
        devices.append((device_id, keys))

    agree(here, northgate, *devices)
