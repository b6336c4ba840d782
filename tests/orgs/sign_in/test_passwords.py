"""Passwords: changed, forgotten, mailed for, and never seen again."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from orgs.errors import EmailTaken, PasswordRefused
from orgs.models import Mail, MailedLink, Membership, Organisation, Session
from orgs.selectors.sign_in import account_by_email
from orgs.services.factors import remove_factor
from orgs.services.passwords import create_console_account
from orgs.tasks import deliver_waiting_mail, drop_links
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from tests import cast
from tests.orgs.sign_in.people import (
    PASSWORD,
    STEP,
    Person,
    platform_events,
    text_of,
    with_password,
    wrong_code,
)

NEW = "vier ganz andere woerter"
FORGOTTEN = "/console/password/forgotten"
CHANGE = "/console/account/password"


def ask(email: str, **headers: Any) -> Any:
    return Client().post(FORGOTTEN, {"email": email}, **headers)


def mailed_link() -> str:
    """The link of the one mail that went out."""
    deliver_waiting_mail()
    (sent,) = mail.outbox
    found = re.search(r"https?://\S+", str(sent.body))
    assert found is not None
    return found[0]


def opened(link: str) -> Client:
    browser = Client()
    path = re.sub(r"^https?://[^/]+", "", link)
    assert browser.get(path)["Location"] == "/console/password/new"
    return browser


def set_new(browser: Client, code: str, password: str = NEW) -> Any:
    form = {"password": password, "again": password, "code": code}
    return browser.post("/console/password/new", form)


# Change


def test_a_change_ends_the_other_sessions(owner: Person) -> None:
    owner.sign_in()
    other = Person(owner.account, owner.key, [])
    with clock.moved_by(2 * STEP):
        other.give_password()
        other.give_code()
    before = owner.browser.session.session_key
    form = {"current": PASSWORD, "password": NEW, "again": NEW}
    assert owner.browser.post(CHANGE, form)["Location"] == "/console/account/"

    assert owner.browser.get("/console/account/").status_code == 200
    assert owner.browser.session.session_key != before
    assert other.browser.get("/console/account/").status_code == 302
    assert Session.objects.filter(account=owner.account).count() == 1
    assert len(platform_events("account.password_changed")) == 1
    fresh = Person(owner.account, owner.key, [])
    assert fresh.give_password().status_code == 200
    assert fresh.give_password(NEW).status_code == 302
    deliver_waiting_mail()
    assert "was changed" in mail.outbox[0].subject


@pytest.mark.parametrize(
    ("current", "new", "again", "said"),
    [
        ("wrong wrong wrong", NEW, NEW, "The current password is not right."),
        (PASSWORD, NEW, NEW + "x", "The two passwords are not the same."),
        (PASSWORD, "tiny-one", "tiny-one", "at least 12 characters"),
        (PASSWORD, "password1234", "password1234", "too common"),
        (PASSWORD, "928374650192", "928374650192", "entirely numeric"),
    ],
)
def test_a_change_is_refused(owner: Person, current: str, new: str, again: str, said: str) -> None:
    owner.sign_in()
    form = {"current": current, "password": new, "again": again}
    page = owner.browser.post(CHANGE, form).content.decode()
    assert said in page
    assert current not in page
    assert new not in page
    assert owner.account.__class__.objects.get(id=owner.account.id).check_password(PASSWORD)


def test_guessing_the_current_password_locks(owner: Person) -> None:
    owner.sign_in()
    form = {"current": "x", "password": NEW, "again": NEW}
    pages = [text_of(owner.browser.post(CHANGE, form)) for _ in range(5)]
    assert "Too many wrong attempts" in pages[-1]


# Forgotten


def test_any_address_gets_the_same_answer(owner: Person) -> None:
    assert text_of(ask(owner.email)) == text_of(ask("nobody@nowhere.example"))
    assert Mail.objects.count() == 2
    deliver_waiting_mail()
    assert [sent.to for sent in mail.outbox] == [[owner.email]]
    assert not Mail.objects.filter(sent_at=None).exists()


def test_a_mailed_link_and_the_second_factor_set_a_password(owner: Person) -> None:
    owner.sign_in()
    ask(owner.email)
    browser = opened(mailed_link())
    assert browser.get("/console/password/new").status_code == 200

    assert set_new(browser, wrong_code(owner.key)).status_code == 200
    with clock.moved_by(2 * STEP):
        assert set_new(browser, owner.code)["Location"] == "/console/sign-in"
    assert owner.browser.get("/console/account/").status_code == 302
    assert Person(owner.account, owner.key, []).give_password(NEW).status_code == 302
    assert len(platform_events("account.password_reset")) == 1


def test_a_link_is_good_once_and_for_an_hour(owner: Person) -> None:
    ask(owner.email)
    link = mailed_link()
    early, late = opened(link), opened(link)
    with clock.moved_by(timedelta(hours=1, seconds=1)):
        assert late.get("/console/password/new").status_code == 410
        assert opened(link).get("/console/password/new").status_code == 410
    assert set_new(early, owner.recovery_codes[0]).status_code == 302
    assert set_new(late, owner.recovery_codes[1]).status_code == 410
    assert opened(link).get("/console/password/new").status_code == 410
    with clock.moved_by(timedelta(hours=1, seconds=1)):
        assert drop_links() == 1


def test_a_newer_link_voids_the_older(owner: Person) -> None:
    ask(owner.email)
    first = mailed_link()
    mail.outbox.clear()
    ask(owner.email)
    mailed_link()
    assert opened(first).get("/console/password/new").status_code == 410


def test_a_password_that_is_refused_costs_no_code(owner: Person) -> None:
    ask(owner.email)
    browser = opened(mailed_link())
    assert "at least 12" in set_new(browser, owner.recovery_codes[0], "short").content.decode()
    assert set_new(browser, owner.recovery_codes[0]).status_code == 302


def test_the_link_is_of_this_server_whatever_host_was_asked(
    owner: Person, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.BASE_URL = "https://semafore.example"
    ask(owner.email, HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example")
    assert mailed_link().startswith("https://semafore.example/console/password/link/")


def test_an_address_is_not_flooded(owner: Person) -> None:
    for _ in range(6):
        ask(owner.email)
    deliver_waiting_mail()
    assert len(mail.outbox) == 3
    with clock.moved_by(timedelta(hours=1, seconds=1)):
        ask(owner.email)
        deliver_waiting_mail()
    assert len(mail.outbox) == 4


def test_the_token_is_in_the_mail_alone(owner: Person, caplog: pytest.LogCaptureFixture) -> None:
    ask(owner.email)
    link = mailed_link()
    token = link.rpartition("/")[2]
    assert len(token) >= 43
    with caplog.at_level(logging.DEBUG):
        browser = opened(link)
        browser.get("/console/password/new")
        opened(link.replace(token, "x" + token))
    assert token not in caplog.text
    assert token not in str(browser.session.items())
    assert token not in str(list(Mail.objects.values()) + list(MailedLink.objects.values()))
    assert token not in str(platform_events())


def test_who_never_had_a_second_factor_needs_none(alice: Membership) -> None:
    account = with_password(alice)
    ask(account.email or "")
    browser = opened(mailed_link())
    assert "recovery codes" not in browser.get("/console/password/new").content.decode()
    assert set_new(browser, "").status_code == 302


def test_after_a_reset_of_the_factor_the_password_stays(owner: Person) -> None:
    """Else the mailbox alone would be enough."""
    with acting_as(SYSTEM):
        remove_factor(account=owner.account)
    ask(owner.email)
    page = set_new(opened(mailed_link()), "").content.decode()
    assert "sign in with your password" in page
    owner.account.refresh_from_db()
    assert owner.account.check_password(PASSWORD)


# Redeeming an invitation


def test_a_console_account_is_made_once(acme: Organisation) -> None:
    taken = cast.member(acme, "Tom").account.email or ""
    with acting_as(SYSTEM):
        account = create_console_account(email=" Nora@Acme.example", password=PASSWORD)
        for email in ("nora@acme.EXAMPLE", taken):
            with pytest.raises(EmailTaken):
                create_console_account(email=email, password=PASSWORD)
        with pytest.raises(PasswordRefused, match="similar"):
            create_console_account(
                email="long.name.of@x.example", password="long.name.of@x.example"
            )
    assert account_by_email("NORA@acme.example") == account
    assert Person(account, b"", []).give_password().status_code == 302
