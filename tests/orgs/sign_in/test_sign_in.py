"""Signing in: two steps, nobody half way, and nothing to learn from what is refused."""

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from audit.tasks import settle_platform_denials
from orgs.models import Membership, MembershipStatus, Organisation, Role, Session
from orgs.services.factors import adopt_factor
from orgs.services.memberships import admit_member
from orgs.sessions import hashed
from orgs.totp import new_totp_key
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.http.console import PROVEN_AT
from semafore.kernel.sealing import seal
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.conftest import REAL_COSTS
from tests.orgs.sign_in.people import (
    PASSWORD,
    STEP,
    WRONG,
    Person,
    code_of,
    key_on,
    person,
    platform_events,
    text_of,
    with_password,
    wrong_code,
)

ACTIVE = MembershipStatus.ACTIVE


def test_password_and_code_open_the_only_console(owner: Person, acme: Organisation) -> None:
    answer = owner.give_password()
    assert (answer.status_code, answer["Location"]) == (302, "/console/sign-in/code")
    assert owner.browser.get("/console/sign-in/code").status_code == 200

    answer = owner.give_code()
    assert (answer.status_code, answer["Location"]) == (302, "/console/")
    assert owner.browser.get("/console/")["Location"] == f"/console/{acme.slug}/"
    assert owner.browser.session[PROVEN_AT] == pytest.approx(clock.now().timestamp(), abs=30)
    (signed_in,) = platform_events("account.signed_in")
    assert signed_in["data"] == {"account_id": str(owner.account.id)}


def test_the_email_is_known_in_any_case_of_letters(owner: Person) -> None:
    credentials = {"email": f" {owner.email.upper()} ", "password": PASSWORD}
    assert owner.browser.post("/console/sign-in", credentials).status_code == 302


def test_half_signed_in_is_not_signed_in(owner: Person, acme: Organisation) -> None:
    owner.give_password()

    for page in ("/console/", "/console/account/", f"/console/{acme.slug}/factor-resets/x"):
        answer = owner.browser.get(page)
        assert answer.status_code == 404 or answer["Location"].startswith("/console/sign-in?")
    assert "_auth_user_id" not in owner.browser.session


def test_half_a_sign_in_is_over_after_ten_minutes(owner: Person) -> None:
    owner.give_password()
    with clock.moved_by(timedelta(minutes=10, seconds=1)):
        assert owner.give_code()["Location"] == "/console/sign-in"


def test_half_a_sign_in_ends_with_the_password_that_began_it(owner: Person) -> None:
    owner.give_password()
    owner.account.set_password("another password altogether")
    owner.account.save()

    assert owner.give_code()["Location"] == "/console/sign-in"


def test_half_a_sign_in_is_used_up_by_its_second_half(owner: Person) -> None:
    owner.sign_in()
    owner.browser.post("/console/sign-out")

    assert owner.give_code()["Location"] == "/console/sign-in"


def test_the_session_has_a_new_key_after_each_step(owner: Person, settings: Settings) -> None:
    """Somebody who planted a session key in the browser gets nothing of it."""
    planted = "planted" * 5
    owner.browser.cookies[settings.SESSION_COOKIE_NAME] = planted
    keys = [planted]
    owner.give_password()
    keys.append(owner.browser.session.session_key or "")
    owner.give_code()
    keys.append(owner.browser.session.session_key or "")

    assert len(set(keys)) == 3
    assert [row.session_key for row in Session.objects.all()] == [hashed(keys[-1])]


def test_forms_want_a_csrf_token(owner: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    credentials = {"email": owner.email, "password": PASSWORD}
    assert strict.post("/console/sign-in", credentials).status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "\t//evil.example",
        "",
    ],
)
def test_next_stays_on_this_server(owner: Person, wanted: str) -> None:
    assert owner.sign_in(next=wanted)["Location"] == "/console/"


def test_next_leads_on(owner: Person) -> None:
    assert owner.sign_in(next="/console/account/?a=b")["Location"] == "/console/account/?a=b"


def test_a_page_sends_to_sign_in_and_back(owner: Person) -> None:
    answer = owner.browser.get("/console/account/")
    assert answer["Location"] == "/console/sign-in?next=%2Fconsole%2Faccount%2F"
    assert owner.sign_in(next="/console/account/")["Location"] == "/console/account/"


def test_who_is_signed_in_needs_no_sign_in(owner: Person) -> None:
    owner.sign_in()
    assert owner.browser.get("/console/sign-in")["Location"] == "/console/"
    assert owner.browser.post("/console/sign-in")["Location"] == "/console/"
    assert owner.browser.get("/console/sign-in/code")["Location"] == "/console/"


def test_two_consoles_are_a_choice_and_none_is_said(
    owner: Person, globex: Organisation, bob: Membership
) -> None:
    with acting_as(SYSTEM), organisation_scope(globex.id):
        admit_member(account=owner.account, name="Al", role=Role.AUDITOR, status=ACTIVE)
    owner.sign_in()
    page = owner.browser.get("/console/").content.decode()
    assert "Acme" in page
    assert "Globex" in page

    member = person(bob)
    member.sign_in()
    assert "There is no console for you" in member.browser.get("/console/").content.decode()


# What a refusal tells


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line for each hashing of a password; the real hasher does the work."""
    done: list[str] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def counting_encode(self: Any, *arguments: Any) -> Any:
        done.append("hash")
        return encode(self, *arguments)

    def counting_verify(self: Any, *arguments: Any) -> Any:
        done.append("hash")
        return verify(self, *arguments)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counting_encode)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", counting_verify)
    return done


def test_an_unknown_email_looks_like_a_wrong_password(
    owner: Person, alice: Membership, acme: Organisation, hashings: list[str]
) -> None:
    """The same page, the same statements, the same number of hashes."""
    no_password = cast.member(acme, "Nora").account
    inactive = with_password(cast.member(acme, "Ina"))
    inactive.is_active = False
    inactive.save()
    hashings.clear()

    def seen(email: str, password: str) -> tuple[Any, ...]:
        hashings.clear()
        browser = Client()
        browser.get("/console/sign-in")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = browser.post("/console/sign-in", {"email": email, "password": password})
        statements = [re.sub(r'"s\d+_x\d+"', "", query["sql"])[:60] for query in queries]
        page = text_of(answer).replace(email, "{email}")
        return answer.status_code, page, statements, len(hashings)

    known = seen(owner.email, WRONG)
    assert "The email or the password is not right." in known[1]
    assert known[3] == 1
    assert seen("nobody@nowhere.example", WRONG) == known
    assert seen(no_password.email or "", WRONG) == known
    assert seen(inactive.email or "", PASSWORD) == known


def test_failures_are_counted_in_the_platforms_log_without_the_email(
    owner: Person, acme: Organisation
) -> None:
    for _ in range(2):
        owner.give_password(WRONG)
    owner.browser.post("/console/sign-in", {"email": "nobody@x.example", "password": WRONG})
    owner.give_password()
    owner.give_code(wrong_code(owner.key))
    with clock.moved_by(timedelta(minutes=1)):
        settle_platform_denials()

    failed = platform_events("account.sign_in_failed")
    known = str(owner.account.id)
    # They are counted by the minute, and one may have ended between two of them.
    counted: Counter[tuple[str | None, str]] = Counter()
    for what in failed:
        of = what["data"]["account_id"], what["data"]["stage"]
        counted[of] += what["attempts"]["count"]
    assert counted == {(known, "password"): 2, (None, "password"): 1, (known, "code"): 1}
    assert "@" not in str(platform_events())
    assert cast.events(acme, "account.sign_in_failed") == []


def test_sign_in_is_throttled_by_address(owner: Person, settings: Settings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 2
    address = {"REMOTE_ADDR": "192.0.2.77"}
    form = {"email": "nobody@nowhere.example", "password": WRONG}
    answers = [Client().post("/console/sign-in", form, **address) for _ in range(5)]  # type: ignore[arg-type]
    late = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(late["Retry-After"]) <= 60


def test_passwords_are_as_dear_to_guess_as_owasp_asks() -> None:
    """At least 19 MiB and two passes of Argon2id (its Password Storage Cheat Sheet)."""
    assert django_settings.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    assert REAL_COSTS["memory_cost"] >= 19 * 1024
    assert REAL_COSTS["time_cost"] >= 2


# Codes


def test_a_code_is_good_once(owner: Person) -> None:
    code = owner.code
    owner.give_password()
    assert owner.give_code(code).status_code == 302

    again = Person(owner.account, owner.key, owner.recovery_codes)
    again.give_password()
    answer = again.give_code(code)
    assert answer.status_code == 200
    assert "The code is not right, or was used before." in answer.content.decode()


def test_an_older_code_than_the_last_is_refused(owner: Person) -> None:
    before = owner.code
    with clock.moved_by(STEP):
        owner.sign_in()
        again = Person(owner.account, owner.key, owner.recovery_codes)
        again.give_password()
        assert again.give_code(before).status_code == 200


@pytest.mark.usefixtures("early_in_a_minute")
@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(owner: Person, steps: int, *, taken: bool) -> None:
    with clock.moved_by(2 * STEP):
        owner.give_password()
        with clock.moved_by(steps * STEP):
            code = owner.code
        assert (owner.give_code(code).status_code == 302) is taken


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "0x1234", "-12345"]
)
def test_what_is_no_code_is_refused(owner: Person, code: str) -> None:
    owner.give_password()
    assert owner.browser.post("/console/sign-in/code", {"code": code}).status_code == 200


def test_a_recovery_code_is_good_once(owner: Person) -> None:
    code = owner.recovery_codes[3]
    owner.give_password()
    typed = code.lower().replace("-", " ")
    assert owner.give_code(typed).status_code == 302
    (used,) = platform_events("account.recovery_code_used")
    assert used["data"]["left"] == 9

    again = Person(owner.account, owner.key, owner.recovery_codes)
    again.give_password()
    assert again.give_code(code).status_code == 200
    assert again.give_code(owner.recovery_codes[4]).status_code == 302


def test_somebody_elses_codes_are_no_good(owner: Person, outsider: Person) -> None:
    owner.give_password()
    assert owner.give_code(outsider.recovery_codes[0]).status_code == 200
    assert owner.give_code(outsider.code).status_code == 200


# The first second factor


def test_nobody_enters_without_a_second_factor(alice: Membership, acme: Organisation) -> None:
    account = with_password(alice)
    browser = Client()
    credentials = {"email": account.email, "password": PASSWORD}
    browser.post("/console/sign-in", credentials, query_params={"next": "/console/account/"})
    assert browser.get("/console/sign-in/code")["Location"] == "/console/sign-in/factor"
    assert browser.get("/console/account/").status_code == 302

    page = browser.get("/console/sign-in/factor")
    key = key_on(page)
    assert "<svg" in page.content.decode()
    assert "style=" not in page.content.decode()
    assert key_on(browser.get("/console/sign-in/factor")) == key
    assert browser.post("/console/sign-in/factor", {"code": "000000"}).status_code == 200
    assert browser.get("/console/account/").status_code == 302

    done = browser.post("/console/sign-in/factor", {"code": code_of(key)})
    shown = done.content.decode()
    assert done["Cache-Control"] == "private, no-store"
    assert shown.count("<li>") == 10
    assert 'href="/console/account/"' in shown
    assert browser.get("/console/account/").status_code == 200
    assert [e["type"] for e in platform_events("account.factor_set_up", "account.signed_in")] == [
        "account.factor_set_up",
        "account.signed_in",
    ]


def test_a_key_that_was_seen_with_the_password_alone_is_not_the_one_set_up(
    alice: Membership,
) -> None:
    """A thief of the password opens the set-up page first, and learns nothing."""
    account = with_password(alice)
    credentials = {"email": account.email, "password": PASSWORD}
    thief, owner = Client(), Client()
    keys = []
    for browser in (thief, owner):
        browser.post("/console/sign-in", credentials)
        keys.append(key_on(browser.get("/console/sign-in/factor")))
    assert keys[0] != keys[1]
    owner.post("/console/sign-in/factor", {"code": code_of(keys[1])})

    late = thief.post("/console/sign-in/factor", {"code": code_of(keys[0])})
    assert late["Location"] == "/console/sign-in/code"
    assert thief.get("/console/account/").status_code == 302


def test_a_factor_of_the_onboarding_serves_here(alice: Membership) -> None:
    key = new_totp_key()
    with acting_as(SYSTEM):
        adopt_factor(account=with_password(alice), sealed_key=seal(key), last_step=0)
    someone = Person(alice.account, key, [])
    assert someone.sign_in().status_code == 302
