"""Legal holds: what they cover stays, however often a sweep comes by (product.md, section 6)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from audit.errors import (
    HoldInvalid,
    HoldLifted,
    OwnRequest,
    RetentionRequestDecided,
    RetentionRequestPending,
)
from audit.models import Hold, RequestStatus, RetentionRequest
from audit.selectors import retention
from audit.services.recording import Fact, Ref
from audit.services.retention.holds import place_hold, request_lift
from audit.services.retention.requests import (
    approve_request,
    deny_request,
    withdraw_request,
)
from audit.services.retention.sweeps import BATCH, sweep_batch
from orgs.events.people import MemberSuspended
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import membership_ref
from semafore.kernel import clock, hooks
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.aged import DAY, answering, days, fact_of_class, happened, left, swept
from tests.cast import inside
from tests.locks import wait_until_somebody_waits

BOTH = {"who", "what"}
ROOM = Ref("room", uuid4(), "Room 7")


def as_(person: Membership) -> Actor:
    return Actor(ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def hold(
    by: Membership,
    *,
    person: Membership | None = None,
    room: Ref | None = None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> Hold:
    with acting_as(as_(by)), organisation_scope(by.organisation_id):
        return place_hold(
            person=membership_ref(person) if person else None,
            room=room,
            from_at=from_at,
            until_at=until_at,
            reason="Dispute with a supplier",
            case_reference="2026-17",
        )


def ask(by: Membership, hold_id: UUID) -> RetentionRequest:
    with acting_as(as_(by)), organisation_scope(by.organisation_id):
        return request_lift(hold_id=hold_id, reason="Settled")


@pytest.fixture
def auditor(acme: Organisation) -> Membership:
    return cast.member(acme, "Ada", Role.AUDITOR)


@pytest.fixture
def admin(acme: Organisation) -> Membership:
    return cast.member(acme, "Adam", Role.ADMIN)


def test_a_hold_keeps_what_a_person_did_and_what_was_done_to_them(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    days(acme, 1, 30, 1)
    named = [
        happened(acme, [fact_of_class(2)], ago=60 * DAY, by=bob),
        happened(
            acme, [Fact(MemberSuspended(reason="x"), target=membership_ref(bob))], ago=60 * DAY
        ),
        happened(
            acme, [Fact(MemberSuspended(reason="x"), subject=membership_ref(bob))], ago=60 * DAY
        ),
    ]
    others = happened(acme, [fact_of_class(n) for n in (1, 2, 6)], ago=60 * DAY, by=alice)
    hold(alice, person=bob)

    swept(acme)

    assert [left(acme, one) for (one,) in named] == [BOTH] * 3
    assert [left(acme, one) for one in others] == [set()] * 3


def test_a_hold_on_a_person_keeps_what_another_app_knows_of_them(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    days(acme, 1, 30, 1)
    ids = happened(acme, [fact_of_class(2), fact_of_class(2)], ago=60 * DAY, by=alice, contents=2)
    hold(alice, person=bob)
    asked: list[hooks.EventsConcerning] = []

    def recipient(payload: hooks.EventsConcerning) -> None:
        asked.append(payload)
        payload.found.add(ids[0])

    with answering(hooks.events_concerning, recipient):
        swept(acme)

    assert [left(acme, one) for one in ids] == [BOTH, set()]
    assert {one.membership_ids for one in asked} == {frozenset({bob.id})}


def test_a_hold_keeps_a_room(acme: Organisation, alice: Membership) -> None:
    days(acme, 1, 30, 1)
    facts = [
        Fact(MemberSuspended(reason="x"), room=ROOM),
        Fact(MemberSuspended(reason="x"), target=ROOM),
        fact_of_class(2),
    ]
    ids = happened(acme, facts, ago=60 * DAY, by=alice)
    hold(alice, room=ROOM)

    swept(acme)

    assert [left(acme, one) for one in ids] == [BOTH, BOTH, set()]


def test_a_hold_keeps_a_period(acme: Organisation, alice: Membership) -> None:
    days(acme, 1, 30, 1)
    ids = [happened(acme, [fact_of_class(1)], ago=ago * DAY)[0] for ago in (70, 60, 50)]
    now = clock.now()
    hold(alice, from_at=now - 65 * DAY, until_at=now - 55 * DAY)
    swept(acme)
    assert [left(acme, one) for one in ids] == [set(), BOTH, set()]


def test_every_condition_that_is_given_must_match(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    days(acme, 1, 30, 1)
    facts = [Fact(MemberSuspended(reason="x"), room=ROOM), fact_of_class(1)]
    held, another_room = happened(acme, facts, ago=60 * DAY, by=bob)
    (another_person,) = happened(acme, facts[:1], ago=60 * DAY, by=alice)
    (another_time,) = happened(acme, facts[:1], ago=80 * DAY, by=bob)
    hold(alice, person=bob, room=ROOM, from_at=clock.now() - 70 * DAY)

    # The hook is asked about what fits but for the person, and about nothing else.
    def everything(payload: hooks.EventsConcerning) -> None:
        assert payload.event_ids == {another_person}

    with answering(hooks.events_concerning, everything):
        swept(acme)

    gone = (another_room, another_person, another_time)
    assert left(acme, held) == BOTH
    assert [left(acme, one) for one in gone] == [set()] * 3


def test_two_people_lift_a_hold_and_then_it_goes(
    acme: Organisation, alice: Membership, auditor: Membership
) -> None:
    days(acme, 1, 30, 1)
    (event_id,) = happened(acme, [fact_of_class(1)], ago=60 * DAY, by=alice)
    placed = hold(auditor, person=alice)
    request = ask(auditor, placed.id)
    olga = cast.member(acme, "Olga", Role.OWNER)
    swept(acme)
    assert left(acme, event_id) == BOTH
    with acting_as(as_(alice)), organisation_scope(acme.id), pytest.raises(NotFound):
        approve_request(request_id=request.id)
    with acting_as(as_(olga)), organisation_scope(acme.id):
        assert [one.membership_id for one in retention.active_holds()] == [alice.id]
        decided = approve_request(request_id=request.id)
        assert retention.active_holds() == []
    swept(acme)

    assert decided.status == RequestStatus.APPROVED
    assert left(acme, event_id) == set()
    with organisation_scope(acme.id):
        row = retention.hold(placed.id)
        assert row.lifted_at is not None
        assert (row.placed_by, decided.requested_by, decided.decided_by) == (
            auditor,
            auditor,
            olga,
        )
        with pytest.raises(HoldLifted), acting_as(as_(auditor)):
            request_lift(hold_id=placed.id, reason="Again")


def test_who_may_lift(
    acme: Organisation, alice: Membership, auditor: Membership, admin: Membership
) -> None:
    placed = hold(auditor, room=ROOM)
    request = ask(alice, placed.id)

    def refused(by: Membership, error: type[Exception]) -> None:
        with acting_as(as_(by)), organisation_scope(acme.id), pytest.raises(error):
            approve_request(request_id=request.id)
        with acting_as(as_(by)), organisation_scope(acme.id), pytest.raises(error):
            deny_request(request_id=request.id, reason="No")

    refused(alice, OwnRequest)
    refused(auditor, NotPermitted)
    refused(admin, NotPermitted)
    with acting_as(as_(auditor)), organisation_scope(acme.id), pytest.raises(NotPermitted):
        withdraw_request(request_id=request.id)
    with organisation_scope(acme.id):
        assert retention.hold(placed.id).lifted_at is None


def test_a_lift_can_be_denied_withdrawn_and_asked_for_again(
    acme: Organisation, alice: Membership, auditor: Membership
) -> None:
    placed, other = hold(auditor, room=ROOM), hold(auditor, person=alice)
    first = ask(auditor, placed.id)
    ask(auditor, other.id)
    with pytest.raises(RetentionRequestPending):
        ask(alice, placed.id)
    with acting_as(as_(alice)), organisation_scope(acme.id):
        deny_request(request_id=first.id, reason="Not yet")
        with pytest.raises(RetentionRequestDecided):
            approve_request(request_id=first.id)
    second = ask(auditor, placed.id)
    with acting_as(as_(auditor)), organisation_scope(acme.id):
        withdraw_request(request_id=second.id)
        assert {one.status for one in retention.requests_decided()} == {"denied", "withdrawn"}
        assert [one.hold for one in retention.requests_waiting()] == [other]

    third = ask(auditor, placed.id)
    with (
        clock.moved_by(timedelta(days=8)),
        acting_as(as_(alice)),
        organisation_scope(acme.id),
        pytest.raises(RetentionRequestDecided),
    ):
        approve_request(request_id=third.id)
    with clock.moved_by(timedelta(days=8)):
        assert ask(auditor, placed.id).status == RequestStatus.PENDING
    kinds = [what["type"] for what in cast.events(acme) if what["type"].startswith("hold.")]
    assert kinds == [
        "hold.placed",
        "hold.placed",
        "hold.lift_requested",
        "hold.lift_requested",
        "hold.lift_denied",
        "hold.lift_requested",
        "hold.lift_withdrawn",
        "hold.lift_requested",
        "hold.lift_requested",
    ]


def test_somebody_elses_hold_is_not_there(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    placed = hold(alice, room=ROOM)
    request = ask(alice, placed.id)

    with acting_as(as_(charlie)), organisation_scope(globex.id):
        assert not retention.holds().exists()
        assert not retention.requests_waiting().exists()
        for hold_id in (placed.id, uuid4()):
            with pytest.raises(NotFound):
                retention.hold(hold_id)
            with pytest.raises(NotFound):
                request_lift(hold_id=hold_id, reason="Mine")
        for request_id in (request.id, uuid4()):
            with pytest.raises(NotFound):
                approve_request(request_id=request_id)


def test_a_hold_on_another_organisations_person_is_refused(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        hold(alice, person=charlie)


def test_a_hold_covers_something(acme: Organisation, alice: Membership) -> None:
    now = clock.now()
    with pytest.raises(HoldInvalid):
        hold(alice)
    with pytest.raises(HoldInvalid):
        hold(alice, from_at=now, until_at=now - DAY)
    with inside(acme), pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.create(organisation_id=acme.id, reason="nothing")


def test_a_hold_that_is_placed_during_a_sweep_is_kept_from_then_on(committed: None) -> None:
    """It waits for the batch that is under way; no batch that begins later goes past it."""
    acme = cast.organisation("Acme")
    alice = cast.member(acme, "Alice", Role.OWNER)
    days(acme, 1, 30, 1)
    ids = happened(acme, [fact_of_class(1)] * (BATCH + 100), ago=60 * DAY, by=alice)

    def place() -> None:
        try:
            hold(alice, person=alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, inside(acme):
        with transaction.atomic():
            assert sweep_batch() == BATCH
            placing = pool.submit(place)
            wait_until_somebody_waits(or_ended=placing.done)
            assert not retention.active_holds()
        placing.result(timeout=120)
        assert swept(acme) == 0

    assert sum(left(acme, one) == BOTH for one in ids) == 100
