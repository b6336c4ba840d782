"""Service tokens: shown once, stored hashed, refused from their end or revocation on."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Event
from orgs.errors import ServiceTokenInvalid, ServiceTokenTransition
from orgs.models import Membership, Organisation, Role, Scope, ServiceToken, Session
from orgs.services.service_tokens import (
    IssuedServiceToken,
    authenticate_service_token,
    issue_service_token,
    revoke_service_token,
)
from orgs.sessions import SessionStore
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import organisation_scope
from tests import cast

WANTED = {"name": "Splunk", "scopes": ["audit.read", "log.read"], "days": "30"}


def address(of: Organisation, name: str, *args: Any) -> str:
    return reverse(name, args=[of.slug, *args])


def issue(of: Organisation, days: int = 30, **given: Any) -> IssuedServiceToken:
    wanted = {"name": "Splunk", "scopes": [Scope.AUDIT_READ], **given}
    with acting_as(SYSTEM), organisation_scope(of.id):
        return issue_service_token(expires_at=clock.now() + timedelta(days=days), **wanted)


def revoke(of: Organisation, service_token_id: Any) -> ServiceToken:
    with acting_as(SYSTEM), organisation_scope(of.id):
        return revoke_service_token(service_token_id=service_token_id, reason="leaked")


def tokens(of: Organisation) -> list[ServiceToken]:
    with organisation_scope(of.id):
        return list(ServiceToken.objects.all())


def issue_by_page(browser: Client, of: Organisation) -> tuple[Any, str]:
    answer = browser.post(address(of, "service_token_new"), WANTED)
    return answer, answer.context["issued"].token


def test_it_is_shown_once_and_kept_nowhere(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)
    answer, token = issue_by_page(browser, acme)

    assert answer.status_code == 201
    assert answer["Cache-Control"] == "private, no-store"
    assert token in answer.text
    (row,) = tokens(acme)
    assert (row.name, row.scopes, row.prefix) == ("Splunk", ["audit.read", "log.read"], token[:8])
    assert row.created_by_id == alice.id
    assert token not in browser.get(address(acme, "service_tokens")).text
    assert token.encode() not in bytes(row.token_hash)
    for session in Session.objects.all():
        assert token not in str(SessionStore().decode(session.session_data))
    with organisation_scope(acme.id):
        for event in Event.objects.all():
            assert token.encode() not in bytes(event.what or b"") + bytes(event.who or b"")


def test_it_opens_until_its_end(acme: Organisation) -> None:
    issued = issue(acme, days=30)
    found = authenticate_service_token(issued.token)

    assert found is not None
    assert (found.id, found.organisation.slug) == (issued.row.id, acme.slug)
    with clock.moved_by(timedelta(days=29, hours=23)):
        assert authenticate_service_token(issued.token) is not None
    with clock.moved_by(timedelta(days=30)):
        assert authenticate_service_token(issued.token) is None


def test_it_opens_until_it_is_revoked(acme: Organisation) -> None:
    issued = issue(acme)
    revoke(acme, issued.row.id)

    assert authenticate_service_token(issued.token) is None
    with pytest.raises(ServiceTokenTransition):
        revoke(acme, issued.row.id)
    assert len(cast.events(acme, "service_token.revoked")) == 1


@pytest.mark.parametrize("wrong", ["", "sfs_", "sfd_x", "é" * 40, "\0"])
def test_nothing_else_opens(acme: Organisation, wrong: str) -> None:
    issue(acme)

    assert authenticate_service_token(wrong) is None
    assert authenticate_service_token(issue(acme).token[:-1]) is None


def test_the_day_of_use_is_noted_once_a_day(acme: Organisation) -> None:
    issued = issue(acme)
    authenticate_service_token(issued.token)
    with CaptureQueriesContext(connection) as sent:
        authenticate_service_token(issued.token)

    assert len(sent) == 1
    assert tokens(acme)[0].last_used_on == clock.now().date()


def test_tokens_that_cannot_be(acme: Organisation, alice: Membership) -> None:
    impossible: list[dict[str, Any]] = [{"scopes": []}, {"days": 0}, {"days": 366}]
    for wrong in impossible:
        with pytest.raises(ServiceTokenInvalid):
            issue(acme, **wrong)
    with organisation_scope(acme.id), pytest.raises(IntegrityError), transaction.atomic():
        ServiceToken.objects.filter(id=issue(acme).row.id).update(scopes=["audit.write"])
    browser = cast.signed_in(alice)
    typed: list[dict[str, Any]] = [
        {"scopes": ["audit.write"]},
        {"scopes": []},
        {"days": "366"},
        {"name": ""},
    ]
    for changed in typed:
        answer = browser.post(address(acme, "service_token_new"), {**WANTED, **changed})
        assert answer.status_code == 422
        assert "There is a problem" in answer.text


def test_revoking_from_the_page(acme: Organisation, alice: Membership) -> None:
    issued = issue(acme)
    browser = cast.signed_in(alice)
    revoke_page = address(acme, "service_token_revoke", issued.row.id)

    assert "Splunk" in browser.get(revoke_page).text
    assert browser.post(revoke_page, {"reason": ""}).status_code == 422
    assert authenticate_service_token(issued.token) is not None
    answer = browser.post(revoke_page, {"reason": "leaked"})
    assert answer["Location"] == address(acme, "service_tokens")
    assert authenticate_service_token(issued.token) is None
    assert browser.post(revoke_page, {"reason": "leaked"}).status_code == 422
    assert "revoked" in browser.get(address(acme, "service_tokens")).text


def test_the_list_is_ones_own_and_costs_the_same(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    browser = cast.signed_in(alice)
    assert "Nothing yet" in browser.get(address(acme, "service_tokens")).text
    issue(globex, name="Theirs")
    issue(acme, name="Ours")

    def statements() -> int:
        with CaptureQueriesContext(connection) as sent:
            answer = browser.get(address(acme, "service_tokens"))
        assert "Ours" in answer.text
        assert "Theirs" not in answer.text
        return len(sent)

    one = statements()
    for _ in range(20):
        issue(acme, name="Ours")
    assert statements() == one


def test_another_organisations_token_is_nobodys(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    issued = issue(acme)
    browser = cast.signed_in(charlie)
    for name in ("service_tokens", "service_token_new"):
        assert browser.get(address(acme, name)).status_code == 404
    answers = [
        browser.post(address(charlie.organisation, "service_token_revoke", some), {"reason": "x"})
        for some in (issued.row.id, uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    with pytest.raises(NotFound):
        revoke(charlie.organisation, issued.row.id)
    assert authenticate_service_token(issued.token) is not None


@pytest.mark.parametrize(
    ("role", "sees", "changes"),
    [("admin", 200, 403), ("helpdesk", 200, 403), ("auditor", 200, 403), ("member", 404, 404)],
)
def test_owners_alone_issue_and_revoke(
    acme: Organisation, alice: Membership, role: str, sees: int, changes: int
) -> None:
    issued = issue(acme)
    browser = cast.signed_in(cast.member(acme, "Somebody", Role(role)))

    assert browser.get(address(acme, "service_tokens")).status_code == sees
    assert browser.get(address(acme, "service_token_new")).status_code == changes
    assert browser.post(address(acme, "service_token_new"), WANTED).status_code == changes
    revoke_page = address(acme, "service_token_revoke", issued.row.id)
    assert browser.post(revoke_page, {"reason": "x"}).status_code == changes
    assert len(tokens(acme)) == 1
    assert authenticate_service_token(issued.token) is not None


def test_issuing_asks_for_the_factor_again(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice, proven=False)
    answer = browser.post(address(acme, "service_token_new"), WANTED)

    assert answer["Location"].startswith(reverse("step_up"))
    assert not tokens(acme)
