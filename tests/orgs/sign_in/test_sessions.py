"""Sessions: listed, ended, over by disuse and by age, and worth nothing to a thief of the table."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from orgs.models import Membership, MembershipStatus, Organisation, Role, Session
from orgs.services.memberships import admit_member, end_membership, suspend_membership
from orgs.sessions import SessionStore, hashed
from orgs.tasks import delete_expired_sessions
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.http.console import PROVEN_AT
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.orgs.sign_in.people import STEP, Person, platform_events, text_of, wrong_code

ACTIVE = MembershipStatus.ACTIVE
ACCOUNT = "/console/account/"


def is_in(browser: Client) -> bool:
    return browser.get(ACCOUNT).status_code == 200


def with_key(key: str) -> Client:
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = key
    return browser


def another(owner: Person, later: int = 2) -> Person:
    """The same person at another browser."""
    there = Person(owner.account, owner.key, owner.recovery_codes)
    with clock.moved_by(later * STEP):
        there.give_password()
        there.give_code()
    return there


def test_a_copy_of_the_table_opens_no_session(owner: Person) -> None:
    owner.sign_in()
    key = owner.browser.session.session_key or ""
    row = Session.objects.get()

    assert row.session_key == hashed(key)
    assert key not in row.session_data
    assert is_in(with_key(key))
    for copied in (row.session_key, str(row.id), row.session_key[:32]):
        assert not is_in(with_key(copied))


def test_a_key_that_the_server_did_not_make_is_not_taken_on(db: None) -> None:
    planted = "planted" * 5
    session = SessionStore(planted)
    session["a"] = "b"
    session.save()

    assert session.session_key != planted
    assert SessionStore(planted).load() == {}
    assert SessionStore(session.session_key).load() == {"a": "b"}


def test_a_session_knows_its_person_and_its_place(owner: Person) -> None:
    owner.browser.defaults["HTTP_USER_AGENT"] = "Firefox <b>"
    owner.browser.defaults["REMOTE_ADDR"] = "192.0.2.9"
    owner.sign_in()
    row = Session.objects.get()

    assert (row.account_id, row.address, row.user_agent) == (
        owner.account.id,
        "192.0.2.9",
        "Firefox <b>",
    )
    page = owner.browser.get(ACCOUNT).content.decode()
    assert "192.0.2.9" in page
    assert "Firefox &lt;b&gt;" in page
    assert "This session" in page


def test_it_is_over_after_twelve_hours_of_disuse(owner: Person) -> None:
    owner.sign_in()
    with clock.moved_by(timedelta(hours=11, minutes=59)):
        assert is_in(owner.browser)
    with clock.moved_by(timedelta(hours=23)):
        assert is_in(owner.browser)
    with clock.moved_by(timedelta(hours=35, minutes=1)):
        assert not is_in(owner.browser)


def test_it_is_over_after_seven_days_of_use(owner: Person) -> None:
    owner.sign_in()
    for hours in range(6, 7 * 24, 6):
        with clock.moved_by(timedelta(hours=hours)):
            assert is_in(owner.browser), hours
    with clock.moved_by(timedelta(days=7, minutes=1)):
        assert not is_in(owner.browser)


def test_use_is_written_down_every_five_minutes(owner: Person) -> None:
    owner.sign_in()
    first = Session.objects.get().last_seen_at
    with clock.moved_by(timedelta(minutes=4)):
        is_in(owner.browser)
    assert Session.objects.get().last_seen_at == first
    with clock.moved_by(timedelta(minutes=6)):
        is_in(owner.browser)
    assert Session.objects.get().last_seen_at > first


def test_one_session_is_ended_from_another(owner: Person) -> None:
    owner.sign_in()
    there = another(owner)
    theirs = Session.objects.get(session_key=hashed(there.browser.session.session_key or ""))

    answer = owner.browser.post(f"{ACCOUNT}sessions/{theirs.id}/end")
    assert answer["Location"] == ACCOUNT
    assert is_in(owner.browser)
    assert not is_in(there.browser)
    (ended,) = platform_events("account.sessions_ended")
    assert ended["data"]["count"] == 1


def test_all_others_are_ended(owner: Person) -> None:
    owner.sign_in()
    others = [another(owner, later) for later in (2, 3)]
    owner.browser.post(f"{ACCOUNT}sessions/end-others")

    assert is_in(owner.browser)
    assert not any(is_in(other.browser) for other in others)


def test_somebody_elses_session_is_not_found(owner: Person, outsider: Person) -> None:
    owner.sign_in()
    outsider.sign_in()
    theirs = Session.objects.get(account=outsider.account)
    pages = {
        text_of(owner.browser.post(f"{ACCOUNT}sessions/{one}/end")) for one in (theirs.id, uuid4())
    }

    assert len(pages) == 1
    assert "Not found" in pages.pop()
    assert is_in(outsider.browser)
    assert str(theirs.id) not in owner.browser.get(ACCOUNT).content.decode()


def test_signing_out_ends_the_session_itself(owner: Person) -> None:
    owner.sign_in()
    key = owner.browser.session.session_key or ""
    assert owner.browser.get("/console/sign-out").status_code == 405
    assert owner.browser.post("/console/sign-out")["Location"] == "/console/sign-in"
    assert not is_in(with_key(key))
    assert len(platform_events("account.signed_out")) == 1


@pytest.mark.parametrize("act", [suspend_membership, end_membership])
def test_sessions_end_with_the_last_seat(
    owner: Person,
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    act: Callable[..., Any],
) -> None:
    cast.member(acme, "Olga", Role.OWNER)
    with acting_as(SYSTEM), organisation_scope(globex.id):
        admit_member(account=owner.account, name="Al", role=Role.AUDITOR, status=ACTIVE)
    owner.sign_in()
    with acting_as(SYSTEM), organisation_scope(acme.id):
        act(membership_id=alice.id, reason="left")
    assert is_in(owner.browser)
    seat = owner.account.memberships.model._base_manager.get(account=owner.account, role="auditor")
    with acting_as(SYSTEM), organisation_scope(globex.id):
        act(membership_id=seat.id, reason="left")
    assert not is_in(owner.browser)


def test_what_is_over_is_swept(owner: Person) -> None:
    owner.sign_in()
    assert delete_expired_sessions() == 0
    with clock.moved_by(timedelta(hours=13)):
        assert delete_expired_sessions() == 1


# The organisation's own log, and the second factor again


def console(of: Organisation) -> str:
    return f"/console/{of.slug}/factor-resets/{uuid4()}"


def test_entering_a_console_is_in_its_log_once_a_session(
    owner: Person, acme: Organisation, globex: Organisation
) -> None:
    owner.sign_in()
    for _ in range(2):
        owner.browser.get(console(acme))
        owner.browser.get(console(globex))
    assert len(cast.events(acme, "console.entered")) == 1
    assert cast.events(globex, "console.entered") == []
    another(owner).browser.get(console(acme))
    assert len(cast.events(acme, "console.entered")) == 2


def test_a_sensitive_page_asks_again_after_a_quarter_of_an_hour(
    owner: Person, acme: Organisation
) -> None:
    owner.sign_in()
    page = console(acme)
    with clock.moved_by(timedelta(minutes=14)):
        assert owner.browser.get(page).status_code == 404
    with clock.moved_by(timedelta(minutes=16)):
        step_up = owner.browser.get(page)["Location"]
        assert step_up.startswith("/console/step-up?next=")
        assert owner.browser.get(step_up).status_code == 200
        assert owner.browser.post(step_up, {"code": wrong_code(owner.key)}).status_code == 200
        answer = owner.browser.post(step_up, {"code": owner.code})
        assert answer["Location"] == page
        assert owner.browser.get(page).status_code == 404
        assert owner.browser.session[PROVEN_AT] == pytest.approx(clock.now().timestamp(), abs=30)
    assert len(cast.events(acme, "console.stepped_up")) == 1
    assert platform_events("account.stepped_up") == []


def test_a_step_up_for_ones_own_page_is_the_platforms(owner: Person, acme: Organisation) -> None:
    owner.sign_in()
    with clock.moved_by(timedelta(minutes=16)):
        step_up = owner.browser.get(f"{ACCOUNT}password")["Location"]
        assert owner.browser.post(step_up, {"code": owner.code})["Location"] == f"{ACCOUNT}password"
    assert len(platform_events("account.stepped_up")) == 1
    assert cast.events(acme, "console.stepped_up") == []


def test_a_step_up_leads_nowhere_else(owner: Person) -> None:
    owner.sign_in()
    answer = owner.browser.post(
        "/console/step-up",
        {"code": owner.recovery_codes[0]},
        query_params={"next": "//evil.example"},
    )
    assert answer["Location"] == "/console/"


def test_wrong_codes_of_step_ups_lock(owner: Person, acme: Organisation) -> None:
    owner.sign_in()
    wrong = {"code": wrong_code(owner.key)}
    pages = [
        text_of(owner.browser.post("/console/step-up", wrong, query_params={"next": console(acme)}))
        for _ in range(5)
    ]
    assert "Too many wrong attempts" in pages[-1]
    assert "account.sign_in_failed" not in str(cast.events(acme))
    assert str(owner.account.id) not in str(cast.events(acme))
