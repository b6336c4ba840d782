"""One person in two organisations: neither can see, guess or time the other."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from invitations.models import Invitation
from orgs.models import Membership, MembershipStatus, Organisation, Role, Session
from orgs.services.memberships import admit_member, end_membership, suspend_membership
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.invitations.acts import console_draft, issue
from tests.invitations.onboarding import acts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Any) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


def statements(act: Callable[[], object]) -> list[str]:
    """What the database is told, without the values."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return [re.sub(r"'[^']*'|\d+", "?", one["sql"] or "") for one in captured]


def seat_in(of: Organisation, person: Membership) -> Membership:
    """The same person there too."""
    with acting_as(SYSTEM), organisation_scope(of.id):
        return admit_member(
            account=person.account,
            name=person.name,
            email=person.email,
            role=Role.ADMIN,
            status=MembershipStatus.ACTIVE,
        )


@pytest.mark.parametrize("act", [suspend_membership, end_membership])
@pytest.mark.parametrize("sessions", [0, 2])
def test_an_end_does_not_tell_whether_the_person_is_elsewhere(
    acme: Organisation, globex: Organisation, alice: Membership, act: Any, sessions: int
) -> None:
    here_alone, in_both = cast.member(acme, "Ann", Role.ADMIN), cast.member(acme, "Ben", Role.ADMIN)
    there = seat_in(globex, in_both)
    for person in (here_alone, in_both):
        for _ in range(sessions):
            cast.signed_in(person)

    def ending(person: Membership) -> list[str]:
        with acts.acting(alice):
            return statements(lambda: act(membership_id=person.id, reason="because"))

    assert ending(here_alone) == ending(in_both)
    assert not Session.objects.filter(account=here_alone.account).exists()
    assert Session.objects.filter(account=in_both.account).count() == sessions
    assert cast.signed_in(there).get(f"/console/{globex.slug}/").status_code == 200
    assert cast.signed_in(there).get(f"/console/{acme.slug}/").status_code == 404


def test_inviting_does_not_tell_whether_the_person_is_elsewhere(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    def inviting(email: str) -> list[str]:
        with acts.acting(alice):
            return statements(lambda: issue(acme, wanted=console_draft(email)))

    inviting("first@example.org")
    assert inviting("nobody@example.org") == inviting(charlie.email)


def test_a_console_that_is_none_of_ones_own_is_like_none_at_all(
    acme: Organisation, charlie: Membership
) -> None:
    browser = cast.signed_in(charlie)
    browser.get("/console/account/")

    def asked(slug: str) -> tuple[int, list[str]]:
        answers: list[Any] = []
        told = statements(lambda: answers.append(browser.get(f"/console/{slug}/members")))
        return answers[0].status_code, told

    assert asked(acme.slug) == asked("nowhere-at-all")
    assert asked(acme.slug)[0] == 404


@pytest.mark.parametrize("page", ["", "/resend", "/new-link", "/extend", "/revoke"])
def test_an_invitation_of_another_organisation_is_like_none(
    acme: Organisation, alice: Membership, charlie: Membership, page: str
) -> None:
    foreign = issue(acme)
    browser = cast.signed_in(charlie)
    browser.get(f"/console/{charlie.organisation.slug}/")
    before = foreign.issue_number
    for one in (foreign.id, alice.id):
        path = f"/console/{charlie.organisation.slug}/invitations/{one}{page}"
        path = path if page else f"{path}/"
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"reason": "x", "valid_days": 7}).status_code in (404, 405)
    with organisation_scope(acme.id):
        assert Invitation.objects.get(id=foreign.id).issue_number == before
