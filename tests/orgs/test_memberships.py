"""Periods, roles and the last owner (product.md, section 1)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from orgs.errors import AlreadyMember, LastOwner, MembershipTransition, OwnRole, RoleAbove
from orgs.models import (
    Account,
    Membership,
    MembershipChange,
    MembershipKind,
    MembershipStatus,
    Organisation,
    Role,
)
from orgs.services.accounts import create_account
from orgs.services.memberships import (
    activate_membership,
    admit_member,
    change_role,
    end_membership,
    suspend_membership,
)
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.at_once import at_once

ACTIVE, SUSPENDED = MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED
PENDING, ENDED = MembershipStatus.PENDING, MembershipStatus.ENDED


def as_member(person: Membership) -> Actor:
    return Actor(kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def within(
    organisation: Organisation, act: Callable[..., Any], *, actor: Actor = SYSTEM, **arguments: Any
) -> Any:
    with acting_as(actor), organisation_scope(organisation.id):
        return act(**arguments)


def now(person: Membership) -> Membership:
    with organisation_scope(person.organisation_id):
        return Membership.objects.get(id=person.id)


def history(person: Membership) -> list[MembershipChange]:
    with organisation_scope(person.organisation_id):
        return list(MembershipChange.objects.filter(membership=person).order_by("id"))


def events(organisation: Organisation) -> list[tuple[str, dict[str, Any]]]:
    return [(what["type"], what["data"]) for what in cast.events(organisation)]


def new_account() -> Account:
    with acting_as(SYSTEM):
        return create_account(email=f"{uuid4()}@example.org")


# Admission and periods


def test_admission_begins_a_period_and_says_so(acme: Organisation) -> None:
    dan = within(acme, admit_member, account=new_account(), name="Dan", role=Role.AUDITOR)

    assert now(dan).status == PENDING
    assert [change.status for change in history(dan)] == [PENDING]
    assert events(acme)[-1] == (
        "member.admitted",
        {"kind": "member", "role": "auditor", "status": "pending"},
    )


def test_a_period_is_unique_while_it_is_open(acme: Organisation, bob: Membership) -> None:
    before = events(acme)
    for moved in (None, suspend_membership):
        if moved:
            within(acme, moved, membership_id=bob.id, reason="leave")
            before = events(acme)
        with pytest.raises(AlreadyMember):
            within(acme, admit_member, account=bob.account, name="Bob again")
        assert events(acme) == before


def test_who_comes_back_begins_a_new_period(acme: Organisation, bob: Membership) -> None:
    within(acme, end_membership, membership_id=bob.id, reason="left")
    again = within(acme, admit_member, account=bob.account, name="Bob", status=ACTIVE)

    assert again.id != bob.id
    assert now(bob).status == ENDED
    assert [change.status for change in history(bob)] == [ACTIVE, ENDED]
    assert [change.status for change in history(again)] == [ACTIVE]


def test_a_person_may_be_in_two_organisations(
    acme: Organisation, globex: Organisation, bob: Membership
) -> None:
    there = within(globex, admit_member, account=bob.account, name="Robert", status=ACTIVE)
    within(globex, end_membership, membership_id=there.id, reason="left")

    assert now(bob).status == ACTIVE


def test_the_database_holds_the_uniqueness_too(acme: Organisation, bob: Membership) -> None:
    with (
        organisation_scope(acme.id),
        pytest.raises(IntegrityError),
        transaction.atomic(),
    ):
        Membership.objects.create(organisation_id=acme.id, account=bob.account, name="Twice")


def test_of_two_admissions_at_once_one_wins(committed: None) -> None:
    acme, account = cast.organisation("Acme"), new_account()

    outcomes = at_once(
        *[lambda: within(acme, admit_member, account=account, name="Dan", status=ACTIVE)] * 4
    )

    assert sum(isinstance(one, Membership) for one in outcomes) == 1
    assert sum(isinstance(one, AlreadyMember) for one in outcomes) == 3
    assert [name for name, _ in events(acme)].count("member.admitted") == 1


def test_a_guest_has_a_sponsor_an_end_and_no_role(acme: Organisation, alice: Membership) -> None:
    guest: dict[str, Any] = {"account": new_account(), "name": "Gus", "kind": MembershipKind.GUEST}
    ends_at = clock.now() + timedelta(days=30)
    incomplete: list[dict[str, Any]] = [{}, {"sponsor": alice}, {"ends_at": ends_at}]
    for lacking in incomplete:
        with pytest.raises(IntegrityError), transaction.atomic():
            within(acme, admit_member, **guest, **lacking)
    with pytest.raises(IntegrityError), transaction.atomic():
        within(acme, admit_member, **guest, sponsor=alice, ends_at=ends_at, role=Role.ADMIN)

    gus = within(acme, admit_member, **guest, sponsor=alice, ends_at=ends_at, status=ACTIVE)
    with pytest.raises(MembershipTransition):
        within(acme, change_role, membership_id=gus.id, role=Role.ADMIN)
    assert now(gus).role == Role.MEMBER


def test_a_sponsor_is_of_the_same_organisation(acme: Organisation, charlie: Membership) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        within(
            acme,
            admit_member,
            account=new_account(),
            name="Gus",
            kind=MembershipKind.GUEST,
            sponsor=charlie,
            ends_at=clock.now() + timedelta(days=30),
        )


# Status


@pytest.mark.parametrize(
    ("act", "start", "end"),
    [
        (activate_membership, PENDING, ACTIVE),
        (activate_membership, SUSPENDED, ACTIVE),
        (suspend_membership, ACTIVE, SUSPENDED),
        (end_membership, PENDING, ENDED),
        (end_membership, ACTIVE, ENDED),
        (end_membership, SUSPENDED, ENDED),
    ],
)
def test_a_status_moves_as_drawn(
    acme: Organisation, alice: Membership, act: Any, start: MembershipStatus, end: MembershipStatus
) -> None:
    dan = cast.member(acme, "Dan", status=start)
    within(acme, act, membership_id=dan.id, reason="a reason", actor=as_member(alice))
    change = history(dan)[-1]

    assert now(dan).status == end
    assert (change.status, change.reason, change.by_id) == (end, "a reason", alice.id)
    assert events(acme)[-1][0] == f"member.{'activated' if end == ACTIVE else end}"
    assert events(acme)[-1][1]["reason"] == "a reason"


@pytest.mark.parametrize(
    ("act", "start"),
    [
        (activate_membership, ACTIVE),
        (activate_membership, ENDED),
        (suspend_membership, PENDING),
        (suspend_membership, SUSPENDED),
        (suspend_membership, ENDED),
        (end_membership, ENDED),
    ],
)
def test_a_status_moves_no_other_way(acme: Organisation, act: Any, start: MembershipStatus) -> None:
    dan = cast.member(acme, "Dan", status=start)
    before = events(acme), len(history(dan))
    with pytest.raises(MembershipTransition):
        within(acme, act, membership_id=dan.id, reason="none")

    assert now(dan).status == start
    assert (events(acme), len(history(dan))) == before


@pytest.mark.parametrize("act", [activate_membership, suspend_membership, end_membership])
def test_another_organisations_member_is_not_found(
    acme: Organisation, charlie: Membership, act: Any
) -> None:
    for membership_id in (charlie.id, uuid4()):
        with pytest.raises(NotFound):
            within(acme, act, membership_id=membership_id, reason="none")
    with pytest.raises(NotFound):
        within(acme, change_role, membership_id=charlie.id, role=Role.MEMBER)

    assert now(charlie).status == ACTIVE
    assert now(charlie).role == Role.OWNER


def test_of_two_endings_at_once_one_wins(committed: None) -> None:
    acme = cast.organisation("Acme")
    bob = cast.member(acme, "Bob")

    outcomes = at_once(
        *[lambda: within(acme, end_membership, membership_id=bob.id, reason="left")] * 3
    )

    assert sum(isinstance(one, MembershipTransition) for one in outcomes) == 2
    assert [name for name, _ in events(acme)].count("member.ended") == 1
    assert [change.status for change in history(bob)] == [ACTIVE, ENDED]


# Roles


def test_a_role_changes_with_before_and_after(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    within(acme, change_role, membership_id=bob.id, role=Role.ADMIN, actor=as_member(alice))

    assert now(bob).role == Role.ADMIN
    assert events(acme)[-1] == ("member.role_changed", {"before": "member", "after": "admin"})


def test_the_role_one_has_already_is_no_event(acme: Organisation, bob: Membership) -> None:
    before = events(acme)
    within(acme, change_role, membership_id=bob.id, role=Role.MEMBER)

    assert events(acme) == before


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.MEMBER])
def test_nobody_changes_their_own_role(acme: Organisation, role: Role) -> None:
    cast.member(acme, "Olga", Role.OWNER)
    dan = cast.member(acme, "Dan", Role.ADMIN)
    with pytest.raises(OwnRole):
        within(acme, change_role, membership_id=dan.id, role=role, actor=as_member(dan))

    assert now(dan).role == Role.ADMIN


def test_nobody_changes_their_own_role_from_their_device(acme: Organisation) -> None:
    dan = cast.member(acme, "Dan", Role.ADMIN)
    device = Actor(kind=ActorKind.DEVICE, id=uuid4(), membership_id=dan.id)
    with pytest.raises(OwnRole):
        within(acme, change_role, membership_id=dan.id, role=Role.OWNER, actor=device)


def test_an_ended_membership_has_no_role_to_change(acme: Organisation, bob: Membership) -> None:
    within(acme, end_membership, membership_id=bob.id, reason="left")
    with pytest.raises(MembershipTransition):
        within(acme, change_role, membership_id=bob.id, role=Role.ADMIN)


# The last owner


def demote(organisation: Organisation, owner: Membership, by: Actor = SYSTEM) -> Any:
    return within(organisation, change_role, membership_id=owner.id, role=Role.ADMIN, actor=by)


def suspend(organisation: Organisation, owner: Membership, by: Actor = SYSTEM) -> Any:
    return within(organisation, suspend_membership, membership_id=owner.id, reason="none", actor=by)


def end(organisation: Organisation, owner: Membership, by: Actor = SYSTEM) -> Any:
    return within(organisation, end_membership, membership_id=owner.id, reason="none", actor=by)


WAYS = pytest.mark.parametrize("way", [demote, suspend, end])


@WAYS
def test_the_last_owner_stays(acme: Organisation, alice: Membership, way: Any) -> None:
    cast.member(acme, "Dan", Role.ADMIN)
    before = events(acme)
    with pytest.raises(LastOwner):
        way(acme, alice)

    assert (now(alice).role, now(alice).status) == (Role.OWNER, ACTIVE)
    assert events(acme) == before


@WAYS
@pytest.mark.parametrize("status", [PENDING, SUSPENDED, ENDED])
def test_an_owner_who_is_not_active_does_not_count(
    acme: Organisation, alice: Membership, way: Any, status: MembershipStatus
) -> None:
    cast.member(acme, "Olga", Role.OWNER, status)
    with pytest.raises(LastOwner):
        way(acme, alice)


@WAYS
def test_another_organisations_owner_does_not_count(
    acme: Organisation, alice: Membership, charlie: Membership, way: Any
) -> None:
    with pytest.raises(LastOwner):
        way(acme, alice)


@WAYS
def test_one_of_two_owners_may_go(acme: Organisation, alice: Membership, way: Any) -> None:
    cast.member(acme, "Olga", Role.OWNER)
    way(acme, alice)

    assert (now(alice).role, now(alice).status) != (Role.OWNER, ACTIVE)


def test_a_suspended_owner_may_be_ended(acme: Organisation, alice: Membership) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER, SUSPENDED)
    end(acme, olga)

    assert now(olga).status == ENDED


@WAYS
@pytest.mark.parametrize("round_", range(3))
def test_of_two_owners_against_each_other_one_wins(committed: None, way: Any, round_: int) -> None:
    acme = cast.organisation("Acme")
    alice = cast.member(acme, "Alice", Role.OWNER)
    olga = cast.member(acme, "Olga", Role.OWNER)

    outcomes = at_once(
        lambda: way(acme, olga, as_member(alice)), lambda: way(acme, alice, as_member(olga))
    )

    assert sum(isinstance(one, Membership) for one in outcomes) == 1
    # Whoever comes second is no owner any more.
    assert sum(isinstance(one, RoleAbove) for one in outcomes) == 1
    with organisation_scope(acme.id):
        assert Membership.objects.filter(role=Role.OWNER, status=ACTIVE).count() == 1


def test_of_many_owners_falling_in_different_ways_one_stays(committed: None) -> None:
    acme = cast.organisation("Acme")
    owners = [cast.member(acme, f"Owner {n}", Role.OWNER) for n in range(6)]
    ways = [demote, suspend, end] * 2

    outcomes = at_once(
        *[
            lambda way=way, owner=owner: way(acme, owner)
            for way, owner in zip(ways, owners, strict=True)
        ]
    )

    assert sum(isinstance(one, LastOwner) for one in outcomes) == 1
    with organisation_scope(acme.id):
        assert Membership.objects.filter(role=Role.OWNER, status=ACTIVE).count() == 1
