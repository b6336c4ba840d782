"""The three periods: longer at once, shorter by two people, and never below the least."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from audit.errors import (
    OwnRequest,
    RetentionInvalid,
    RetentionRequestDecided,
    RetentionRequestPending,
)
from audit.models import RequestStatus, RetentionPeriods, RetentionRequest
from audit.selectors import retention
from audit.services.retention.periods import change_periods
from audit.services.retention.requests import (
    approve_request,
    deny_request,
    withdraw_request,
)
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import organisation_scope
from tests import cast

DEFAULTS = {"metadata_days": 365, "audit_days": 2555, "existence_days": 2555}
SHORTER = {"metadata_days": 90, "audit_days": 2555, "existence_days": 3000}


def as_(person: Membership) -> Actor:
    return Actor(ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def change(by: Membership, **days: int) -> RetentionPeriods | RetentionRequest:
    with acting_as(as_(by)), organisation_scope(by.organisation_id):
        return change_periods(**(DEFAULTS | days), reason="Policy of 2026")


def asked(by: Membership, **days: int) -> RetentionRequest:
    request = change(by, **days)
    assert isinstance(request, RetentionRequest)
    return request


def now_in(of: Organisation) -> dict[str, int]:
    with organisation_scope(of.id):
        row = retention.periods()
    return {name: getattr(row, name) for name in DEFAULTS}


def told(of: Organisation) -> list[str]:
    kinds = [what["type"] for what in cast.events(of)]
    return [kind for kind in kinds if kind.startswith("retention.")]


@pytest.fixture
def admin(acme: Organisation) -> Membership:
    return cast.member(acme, "Adam", Role.ADMIN)


def test_an_organisation_begins_with_the_defaults(acme: Organisation) -> None:
    assert now_in(acme) == DEFAULTS
    with organisation_scope(acme.id):
        assert retention.periods().version == 1


def test_longer_is_at_once(acme: Organisation, alice: Membership) -> None:
    done = change(alice, audit_days=3000)

    assert isinstance(done, RetentionPeriods)
    assert now_in(acme) == DEFAULTS | {"audit_days": 3000}
    (event,) = cast.events(acme, "retention.changed")
    assert event["data"] == {
        "before": DEFAULTS,
        "after": DEFAULTS | {"audit_days": 3000},
        "version": 2,
        "reason": "Policy of 2026",
        "request_id": None,
    }


def test_the_same_again_is_nothing(acme: Organisation, alice: Membership) -> None:
    change(alice)

    assert told(acme) == []
    with organisation_scope(acme.id):
        assert retention.periods().version == 1


def test_shorter_waits_for_a_second_person(
    acme: Organisation, alice: Membership, admin: Membership
) -> None:
    request = asked(alice, **SHORTER)
    assert now_in(acme) == DEFAULTS
    with organisation_scope(acme.id):
        assert list(retention.requests_waiting()) == [request]
        assert request.expires_at - request.requested_at == timedelta(days=7)

    with acting_as(as_(admin)), organisation_scope(acme.id):
        approve_request(request_id=request.id)

    assert now_in(acme) == SHORTER
    assert told(acme) == ["retention.change_requested", "retention.changed"]
    (event,) = cast.events(acme, "retention.changed")
    assert event["data"]["request_id"] == str(request.id)
    with organisation_scope(acme.id):
        decided = retention.requests_decided().get()
        assert (decided.status, decided.decided_by) == (RequestStatus.APPROVED, admin)
        assert retention.periods().version == 2


def test_who_may_not_approve(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    request = asked(alice, **SHORTER)
    auditor = cast.member(acme, "Ada", Role.AUDITOR)
    gone = cast.member(acme, "Adam", Role.ADMIN, MembershipStatus.SUSPENDED)
    refusals = [
        (as_(alice), acme, OwnRequest),
        (as_(auditor), acme, NotPermitted),
        (as_(gone), acme, NotPermitted),
        (SYSTEM, acme, NotPermitted),
        (as_(charlie), globex, NotFound),
    ]
    for actor, where, error in refusals:
        with acting_as(actor), organisation_scope(where.id):
            with pytest.raises(error):
                approve_request(request_id=request.id)
            with pytest.raises(error):
                deny_request(request_id=request.id, reason="No")
    with acting_as(as_(alice)), organisation_scope(acme.id), pytest.raises(NotFound):
        approve_request(request_id=uuid4())
    assert now_in(acme) == DEFAULTS


def test_who_asked_must_still_be_allowed_to(
    acme: Organisation, alice: Membership, admin: Membership
) -> None:
    other = cast.member(acme, "Olive", Role.OWNER)
    request = asked(other, **SHORTER)
    with acting_as(as_(alice)), organisation_scope(acme.id):
        suspend_membership(membership_id=other.id, reason="Left")

    with acting_as(as_(admin)), organisation_scope(acme.id):
        with pytest.raises(NotPermitted):
            approve_request(request_id=request.id)
        deny_request(request_id=request.id, reason="She left")
    assert now_in(acme) == DEFAULTS
    assert told(acme) == ["retention.change_requested", "retention.change_denied"]


def test_a_request_is_decided_once(
    acme: Organisation, alice: Membership, admin: Membership
) -> None:
    request = asked(alice, **SHORTER)
    with pytest.raises(RetentionRequestPending):
        change(alice, **SHORTER)
    with pytest.raises(RetentionRequestPending):
        change(alice, audit_days=3000)
    with acting_as(as_(admin)), organisation_scope(acme.id), pytest.raises(NotPermitted):
        withdraw_request(request_id=request.id)
    with acting_as(as_(alice)), organisation_scope(acme.id):
        withdraw_request(request_id=request.id)
        for decide in (approve_request, withdraw_request):
            with pytest.raises(RetentionRequestDecided):
                decide(request_id=request.id)
    assert told(acme) == ["retention.change_requested", "retention.change_withdrawn"]


def test_a_request_lapses(acme: Organisation, alice: Membership, admin: Membership) -> None:
    request = asked(alice, **SHORTER)

    with clock.moved_by(timedelta(days=7, seconds=1)):
        with acting_as(as_(admin)), organisation_scope(acme.id):
            with pytest.raises(RetentionRequestDecided):
                approve_request(request_id=request.id)
            assert not retention.requests_waiting().exists()
            assert retention.requests_decided().get() == request
        asked(alice, **SHORTER)
    with organisation_scope(acme.id):
        assert retention.retention_request(request.id).status == RequestStatus.EXPIRED


def test_nobody_but_a_member_asks(acme: Organisation) -> None:
    with acting_as(SYSTEM), organisation_scope(acme.id), pytest.raises(NotPermitted):
        change_periods(**SHORTER, reason="none")


IMPOSSIBLE = [
    {"metadata_days": 0},
    {"audit_days": 29},
    {"metadata_days": 400, "existence_days": 399},
    {"audit_days": 36_501},
    {"existence_days": 36_501},
]


@pytest.mark.parametrize("days", IMPOSSIBLE, ids=str)
def test_the_least_and_the_most(
    acme: Organisation, alice: Membership, days: dict[str, int]
) -> None:
    with pytest.raises(RetentionInvalid):
        change(alice, **days)
    settings = ", ".join(f"{name} = {value}" for name, value in days.items())
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE audit_retentionperiods SET {settings}")


def test_the_database_wants_two_people(
    acme: Organisation, alice: Membership, admin: Membership
) -> None:
    request = asked(alice, **SHORTER)
    for decider in (alice.id, None):
        with (
            pytest.raises(IntegrityError),
            transaction.atomic(),
            organisation_scope(acme.id),
        ):
            RetentionRequest.objects.filter(id=request.id).update(
                status="approved", decided_by_id=decider
            )
