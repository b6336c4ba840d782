"""The pages behind the link, as a person with a browser and no JavaScript sees them."""

import json
import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from pytest_django import Settings

from invitations.landing import OPENED
from invitations.models import Invitation, State
from invitations.services import changes
from invitations.services.tokens import invitation_link, invitation_token
from orgs.models import Account, Membership, Organisation
from orgs.services.accounts import create_account
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests.cast import signed_in
from tests.invitations.acts import console_draft, draft, issue, now, within

PASSWORD = "korrekt-pferd-batterie"
TYPED = {"name": "Daniel", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=False)


def opened(browser: Client, invitation: Invitation) -> Any:
    """The page after the link was opened."""
    answer = browser.post("/i/open", {"token": invitation_token(invitation)})
    assert answer["Location"] == "/i/invitation"
    return browser.get("/i/invitation")


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def members(of: Organisation) -> list[Membership]:
    with organisation_scope(of.id):
        return list(Membership.objects.select_related("account"))


def test_a_get_of_the_link_changes_nothing(acme: Organisation, browser: Client) -> None:
    dan = issue(acme)
    touched: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        touched.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        answer = browser.get("/i/")

    assert answer.status_code == 200
    assert touched == []
    assert answer["Cache-Control"] == "private, no-store"
    assert "Acme" not in text(answer)
    assert now(dan).state == State.ISSUED


@pytest.mark.parametrize("whole", [True, False])
def test_the_link_or_its_token_opens_the_invitation(
    acme: Organisation, browser: Client, whole: bool
) -> None:
    dan = issue(acme)
    pasted = f" {invitation_link(dan)} " if whole else invitation_token(dan)
    answer = browser.post("/i/open", {"token": pasted}, follow=True)

    page = text(answer)
    assert answer.redirect_chain == [("/i/invitation", 302)]
    assert "Acme invites you" in page
    assert f"semafore://i/#{invitation_token(dan)}" in page
    assert "data:image/svg+xml" in page
    assert answer["Cache-Control"] == "private, no-store"
    assert now(dan).state == State.ISSUED


def test_apps_are_linked_where_they_are_known(
    acme: Organisation, browser: Client, settings: Settings
) -> None:
    settings.IOS_APP_URL, settings.ANDROID_APP_URL = "https://ios.example", "https://droid.example"
    page = text(opened(browser, issue(acme)))
    assert 'href="https://ios.example"' in page
    assert 'href="https://droid.example"' in page


def test_a_wrong_token_is_as_unknown_as_any(acme: Organisation, browser: Client) -> None:
    dan = issue(acme)
    token = invitation_token(dan)
    old = token
    within(acme, changes.new_link, invitation_id=dan.id)
    wrong = ["A" * 43, old, token[:-1], token[:22] + "A" * 21, "", "ä" * 43, "#", "x" * 400]
    pages = set()
    for one in wrong:
        answer = browser.post("/i/open", {"token": one})
        assert answer.status_code == 404
        page = re.sub(r'csrfmiddlewaretoken" value="\w+"', "", text(answer))
        assert one not in page or len(one) < 2
        pages.add(page)
    # Nothing typed, and anything else: that is all that differs.
    assert len(pages) == 2
    assert OPENED not in browser.session


def test_the_token_lies_neither_in_the_session_nor_in_the_log(
    acme: Organisation, browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    dan = issue(acme)
    opened(browser, dan)
    browser.post("/i/open", {"token": invitation_token(dan)[:-2] + "xx"})

    assert invitation_token(dan) not in json.dumps(dict(browser.session))
    assert invitation_token(dan)[:-2] not in caplog.text


def test_without_the_link_there_is_nothing(acme: Organisation, browser: Client) -> None:
    issue(acme)
    for page in ("invitation", "accept", "decline", "open"):
        assert browser.get(f"/i/{page}")["Location"] == "/i/"
    assert browser.post("/i/accept", TYPED)["Location"] == "/i/"
    assert browser.post("/i/decline")["Location"] == "/i/"


def test_an_opened_link_is_shown_for_an_hour(acme: Organisation, browser: Client) -> None:
    opened(browser, issue(acme))
    with clock.moved_by(timedelta(minutes=61)):
        assert browser.get("/i/invitation")["Location"] == "/i/"


def test_a_new_link_ends_what_the_old_one_opened(acme: Organisation, browser: Client) -> None:
    dan = issue(acme)
    opened(browser, dan)
    within(acme, changes.new_link, invitation_id=dan.id)
    assert browser.get("/i/invitation").status_code == 404


@pytest.mark.parametrize(
    ("end", "says"), [("revoke", "withdrawn"), ("decline", "declined"), ("", "expired")]
)
def test_what_has_ended_says_so(acme: Organisation, browser: Client, end: str, says: str) -> None:
    dan = issue(acme, wanted=console_draft())
    opened(browser, dan)
    if end:
        within(acme, getattr(changes, end), invitation_id=dan.id, reason="x")
    with clock.moved_by(timedelta(0) if end else timedelta(days=8)):
        answer = browser.post("/i/open", {"token": invitation_token(dan)}, follow=True)

    assert answer.status_code == 410
    assert says in text(answer)
    assert answer["Cache-Control"] == "private, no-store"


# Accepting


def test_somebody_new_sets_a_password_and_belongs(acme: Organisation, browser: Client) -> None:
    dan = issue(acme, wanted=console_draft())
    assert "semafore://" not in text(opened(browser, dan))
    assert "dan@example.org" in text(browser.get("/i/accept"))
    answer = browser.post("/i/accept", TYPED)

    assert answer["Location"] == "/console/sign-in"
    (membership,) = members(acme)
    assert membership.name == "Daniel"
    assert membership.account.check_password(PASSWORD)
    assert browser.post("/i/accept", TYPED)["Location"] == "/i/"
    again = browser.post("/i/open", {"token": invitation_token(dan)}, follow=True)
    assert (again.status_code, "has been used" in text(again)) == (410, True)


@pytest.mark.parametrize(
    "wrong", [{"again": "another"}, {"password": "", "again": ""}, {"name": " "}]
)
def test_what_was_typed_wrongly_is_asked_again(
    acme: Organisation, browser: Client, wrong: dict[str, str]
) -> None:
    dan = issue(acme, wanted=console_draft())
    opened(browser, dan)
    answer = browser.post("/i/accept", TYPED | wrong)

    assert answer.status_code == 422
    assert "There is a problem" in text(answer)
    assert PASSWORD not in text(answer)
    assert now(dan).state == State.ISSUED


def test_who_has_an_account_is_sent_to_sign_in(
    acme: Organisation, browser: Client, charlie: Membership
) -> None:
    invitation = issue(acme, wanted=console_draft(email=charlie.email))
    opened(browser, invitation)
    for answer in (browser.get("/i/accept"), browser.post("/i/accept", TYPED)):
        assert "/console/sign-in?next=/i/accept" in text(answer)
    assert now(invitation).state == State.ISSUED
    assert members(acme) == []


def test_signed_in_they_accept(acme: Organisation, charlie: Membership) -> None:
    invitation = issue(acme, wanted=console_draft(email=charlie.email))
    browser = signed_in(charlie)
    opened(browser, invitation)
    assert "Password" not in text(browser.get("/i/accept"))
    browser.post("/i/accept", {"name": "Charlie"})

    (membership,) = members(acme)
    assert membership.account_id == charlie.account_id
    assert Account.objects.filter(email=charlie.email).count() == 1


def test_another_account_may_not(
    acme: Organisation, globex: Organisation, charlie: Membership
) -> None:
    invitation = issue(acme, wanted=console_draft())
    browser = signed_in(charlie)
    opened(browser, invitation)
    for answer in (browser.get("/i/accept"), browser.post("/i/accept", TYPED)):
        assert answer.status_code == 403
        assert "another account" in text(answer)
    assert members(acme) == []


def test_an_account_that_came_meanwhile_is_not_overwritten(
    acme: Organisation, browser: Client
) -> None:
    opened(browser, issue(acme, wanted=console_draft()))
    browser.get("/i/accept")
    with acting_as(SYSTEM):
        create_account(email="dan@example.org", password="something of their own")
    browser.post("/i/accept", TYPED)

    assert not Account.objects.get(email="dan@example.org").check_password(PASSWORD)
    assert members(acme) == []


def test_one_for_a_phone_is_not_accepted_here(acme: Organisation, browser: Client) -> None:
    opened(browser, issue(acme))
    assert browser.post("/i/accept", TYPED).status_code == 404


def test_declining(acme: Organisation, browser: Client) -> None:
    dan = issue(acme, wanted=draft())
    opened(browser, dan)
    assert now(dan).state == State.ISSUED
    assert browser.post("/i/decline", {"reason": "x" * 501}).status_code == 422
    answer = browser.post("/i/decline", {"reason": "not me"})

    assert "You have declined" in text(answer)
    assert (now(dan).state, now(dan).reason) == (State.DECLINED, "not me")


def test_forms_are_guarded(acme: Organisation) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/i/open", {"token": "x"}).status_code == 403


def test_guesses_are_throttled(acme: Organisation, browser: Client, settings: Settings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 3
    browser.defaults["REMOTE_ADDR"] = "192.0.2.99"
    # More than three in one of two minutes, should the first end meanwhile.
    answers = [browser.post("/i/open", {"token": "x"}) for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]

    assert refused
    assert 1 <= int(refused[0]["Retry-After"]) <= 60
    assert browser.get("/i/").status_code == 200


def test_the_script_holds_to_the_policy(browser: Client) -> None:
    page = text(browser.get("/i/"))
    script = (Path(django_settings.ROOT) / "static/js/landing.js").read_text()

    assert '<script src="/static/js/landing.js" defer>' in page
    assert all(" src=" in one for one in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"\son\w+=|style=", page)
    assert "innerHTML" not in script
    assert "eval" not in script


# Association files


def test_association_files(client: Client, settings: Settings) -> None:
    apple, android = "/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"
    assert client.get(apple).status_code == client.get(android).status_code == 404
    fingerprint = ":".join(["AB"] * 32)
    settings.APPLE_APP_IDS = ["TEAM.org.semafore"]
    settings.ANDROID_APPS = [("org.semafore", fingerprint)]
    found = client.get(apple)

    assert found["Content-Type"] == "application/json"
    assert found.json()["applinks"]["details"] == [
        {"appIDs": ["TEAM.org.semafore"], "components": [{"/": "/i/*"}]}
    ]
    (statement,) = client.get(android).json()
    assert statement["target"] == {
        "namespace": "android_app",
        "package_name": "org.semafore",
        "sha256_cert_fingerprints": [fingerprint],
    }
