"""Memberships with an end: refused from the time itself, ended by the sweep."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from keys.errors import MembershipEnded
from keys.models import DeviceStatus
from keys.selectors.credentials import state_of_token, token_hash
from orgs.errors import EndInvalid, LastOwner, MembershipTransition, OwnMembership, RoleAbove
from orgs.models import (
    Membership,
    MembershipChange,
    MembershipKind,
    MembershipStatus,
    Organisation,
    Role,
)
from orgs.selectors.seats import find_seat
from orgs.services.ends import change_end, end_lapsed_memberships
from orgs.services.memberships import (
    activate_membership,
    change_role,
    edit_membership,
    end_membership,
    suspend_membership,
)
from orgs.tasks import end_lapsed_memberships as task
from realtime.selectors import sights
from realtime.services import take_place
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from tests import cast

HOUR = timedelta(hours=1)
REASON = {"reason": "a reason"}


def as_member(person: Membership) -> Actor:
    return Actor(kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def within(of: Organisation, act: Callable[..., Any], actor: Actor = SYSTEM, **given: Any) -> Any:
    with acting_as(actor), organisation_scope(of.id):
        return act(**given)


def now(person: Membership) -> Membership:
    with organisation_scope(person.organisation_id):
        return Membership.objects.get(id=person.id)


def end_in(person: Membership, after: timedelta, **also: Any) -> None:
    with organisation_scope(person.organisation_id):
        Membership.objects.filter(id=person.id).update(ends_at=clock.now() + after, **also)


# Refused from the time itself, whether or not anything was swept


def test_a_token_stops_at_the_end(bob: Membership, bob_phone: cast.Phone) -> None:
    token = bob_phone.api.token()
    end_in(bob, timedelta(minutes=5))
    before = state_of_token(token)
    with clock.moved_by(timedelta(minutes=6)):
        after = state_of_token(token)

    assert before is not None
    assert before.admitted
    assert after is not None
    assert not after.admitted
    assert not after.expired


def test_no_token_is_issued_after_the_end(bob: Membership, bob_phone: cast.Phone) -> None:
    end_in(bob, HOUR)
    with clock.moved_by(2 * HOUR), pytest.raises(ApiProblem) as refused:
        bob_phone.api.token()

    assert refused.value.code == MembershipEnded.code


def test_nobody_claims_after_the_end_or_is_claimed(
    alice_phone: cast.Phone, bob: Membership, bob_phone: cast.Phone
) -> None:
    end_in(bob, timedelta(minutes=5))
    alice_phone.api.token()
    alice_phone.api.claim(bob_phone.id)
    with clock.moved_by(timedelta(minutes=6)), pytest.raises(ApiProblem, match="not_found"):
        alice_phone.api.claim(bob_phone.id)


def test_a_socket_is_let_go_at_the_end(bob: Membership, bob_phone: cast.Phone) -> None:
    token = token_hash(bob_phone.api.token())
    end_in(bob, timedelta(minutes=5))
    with organisation_scope(bob.organisation_id):
        take_place(device_id=bob_phone.id)
        assert token in sights([token])
        with clock.moved_by(timedelta(minutes=6)):
            assert token not in sights([token])


def test_the_console_closes_at_the_end(acme: Organisation, alice: Membership) -> None:
    end_in(alice, HOUR)

    assert find_seat(alice.account, acme.slug) is not None
    with clock.moved_by(2 * HOUR):
        assert find_seat(alice.account, acme.slug) is None


# The sweep


def test_the_sweep_ends_what_is_due_and_nothing_else(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    dan, eve = cast.member(acme, "Dan"), cast.member(acme, "Eve", status=MembershipStatus.PENDING)
    end_in(bob, HOUR)
    end_in(dan, 3 * HOUR)
    end_in(eve, HOUR)
    with clock.moved_by(2 * HOUR):
        assert task() == 2
        assert task() == 0

    assert [now(one).status for one in (alice, bob, dan, eve)] == [
        "active",
        "ended",
        "active",
        "ended",
    ]
    assert bob_phone.reload().status == DeviceStatus.REVOKED
    with organisation_scope(acme.id):
        end = MembershipChange.objects.get(membership=bob, status="ended")
    assert (end.by_id, end.reason) == (None, "The end that was set has come.")


def test_every_organisation_is_swept(bob: Membership, charlie: Membership) -> None:
    for person in (bob, charlie):
        end_in(person, HOUR, role=Role.MEMBER)
    with clock.moved_by(2 * HOUR):
        assert task() == 2


def test_the_last_owner_is_never_ended_but_told_of(acme: Organisation, alice: Membership) -> None:
    end_in(alice, HOUR)
    with clock.moved_by(2 * HOUR):
        assert within(acme, end_lapsed_memberships) == 1
        assert within(acme, end_lapsed_memberships) == 0
        assert find_seat(alice.account, acme.slug) is not None

    assert (now(alice).status, now(alice).ends_at) == ("active", None)
    assert len(cast.events(acme, "member.end_prevented")) == 1


def test_of_two_owners_who_both_end_the_first_stays(acme: Organisation, alice: Membership) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER)
    end_in(alice, HOUR)
    end_in(olga, 2 * HOUR)
    with clock.moved_by(3 * HOUR):
        task()

    assert (now(alice).status, now(olga).status) == ("active", "ended")


def test_two_sweeps_at_once_end_it_once(committed: None) -> None:
    acme = cast.organisation("Acme")
    cast.member(acme, "Alice", Role.OWNER)
    people = [cast.member(acme, f"P{number}") for number in range(5)]
    for person in people:
        end_in(person, HOUR)
    start = Barrier(2)

    def sweep(_: int) -> None:
        try:
            start.wait(timeout=60)
            within(acme, end_lapsed_memberships)
        finally:
            connection.close()

    with clock.moved_by(2 * HOUR), ThreadPoolExecutor(2) as pool:
        list(pool.map(sweep, range(2)))
    assert {now(person).status for person in people} == {"ended"}
    assert len(cast.events(acme, "member.ended")) == 5


# Setting an end


def test_an_end_is_recorded_with_before_and_after(acme: Organisation, bob: Membership) -> None:
    end = clock.now() + HOUR
    for _ in range(2):
        within(acme, change_end, membership_id=bob.id, ends_at=end)

    (event,) = cast.events(acme, "member.end_changed")
    assert event["data"]["before"] is None
    assert event["data"]["after"].startswith(f"{end:%Y-%m-%dT%H:%M}")


def test_ends_that_cannot_be(acme: Organisation, alice: Membership, bob: Membership) -> None:
    with pytest.raises(EndInvalid, match="ahead"):
        within(acme, change_end, membership_id=bob.id, ends_at=clock.now())
    with pytest.raises(LastOwner):
        within(acme, change_end, membership_id=alice.id, ends_at=clock.now() + HOUR)
    with pytest.raises(OwnMembership):
        within(acme, change_end, as_member(bob), membership_id=bob.id, ends_at=None)
    within(acme, end_membership, membership_id=bob.id, reason="left")
    with pytest.raises(MembershipTransition):
        within(acme, change_end, membership_id=bob.id, ends_at=clock.now() + HOUR)


def test_a_guest_keeps_an_end_within_the_longest_stay(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    end_in(bob, HOUR, kind=MembershipKind.GUEST, sponsor=alice)
    with pytest.raises(EndInvalid, match="has an end"):
        within(acme, change_end, membership_id=bob.id, ends_at=None)
    with pytest.raises(EndInvalid, match="90 days"):
        within(acme, change_end, membership_id=bob.id, ends_at=clock.now() + timedelta(days=91))
    within(acme, change_end, membership_id=bob.id, ends_at=clock.now() + timedelta(days=90))


def test_an_owner_whose_end_is_set_does_not_keep_the_organisation(
    acme: Organisation, alice: Membership
) -> None:
    end_in(cast.member(acme, "Olga", Role.OWNER), HOUR)
    with pytest.raises(LastOwner):
        within(acme, end_membership, membership_id=alice.id, reason="left")


# Nobody acts on a role above their own


ACTS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "suspend": (suspend_membership, REASON),
    "end": (end_membership, REASON),
    "edit": (edit_membership, {"name": "Olga II", "unit": ""}),
    "set end": (change_end, {"ends_at": None}),
    "demote": (change_role, {"role": Role.MEMBER}),
}


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize(
    ("role", "may"),
    [("owner", True), ("admin", False), ("helpdesk", False), ("auditor", False), ("member", False)],
)
def test_on_owners_only_owners_act(
    acme: Organisation, alice: Membership, name: str, role: str, may: bool
) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER)
    actor = as_member(cast.member(acme, "Somebody", Role(role)))
    act, given = ACTS[name]
    if may:
        within(acme, act, actor, membership_id=olga.id, **given)
    else:
        with pytest.raises(RoleAbove):
            within(acme, act, actor, membership_id=olga.id, **given)


@pytest.mark.parametrize("status", [MembershipStatus.PENDING, MembershipStatus.SUSPENDED])
def test_owners_are_let_in_by_owners(
    acme: Organisation, alice: Membership, status: MembershipStatus
) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER, status)
    ada = cast.member(acme, "Ada", Role.ADMIN)
    with pytest.raises(RoleAbove):
        within(acme, activate_membership, as_member(ada), membership_id=olga.id)
    within(acme, activate_membership, as_member(alice), membership_id=olga.id)


def test_nobody_but_an_owner_makes_an_owner(acme: Organisation, bob: Membership) -> None:
    ada = cast.member(acme, "Ada", Role.ADMIN)
    with pytest.raises(RoleAbove):
        within(acme, change_role, as_member(ada), membership_id=bob.id, role=Role.OWNER)


def test_an_owner_past_their_end_is_none(acme: Organisation, alice: Membership) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER)
    end_in(olga, HOUR)
    with clock.moved_by(2 * HOUR), pytest.raises(RoleAbove):
        within(acme, suspend_membership, as_member(olga), membership_id=alice.id, reason="x")


@pytest.mark.parametrize("act", [change_end, edit_membership])
def test_another_organisations_person_is_nobody(
    acme: Organisation, charlie: Membership, act: Callable[..., Any]
) -> None:
    given = {"ends_at": None} if act is change_end else {"name": "C", "unit": ""}
    with pytest.raises(NotFound):
        within(acme, act, membership_id=charlie.id, **given)
