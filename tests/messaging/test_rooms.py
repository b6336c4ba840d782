"""Rooms: who makes them, who is in them, who may change them."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import Notice, NoticeKind, Room, RoomMembership, RoomRole
from messaging.services import ends, members
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import end_membership, suspend_membership
from semafore.kernel import clock
from semafore.kernel.problems import NotFound, NotPermitted, Problem
from tests import cast
from tests.cast import Phone, events, inside, phone
from tests.messaging.calls import (
    at_the_console,
    every,
    external,
    get,
    guest,
    ids,
    new_direct,
    new_group,
    post,
    refused,
)


def roles(room: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {one["name"]: one["role"] for one in room["members"]}


# Direct rooms


def test_a_direct_room_is_found_again_from_either_side(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone, acme: Organisation
) -> None:
    made = new_direct(alice_phone, bob)
    found = new_direct(bob_phone, alice)

    assert made["id"] == found["id"]
    assert (made["kind"], made["name"], made["status"]) == ("direct", "", "active")
    assert roles(made) == {"Alice": "member", "Bob": "member"}
    assert len(events(acme, "room.created")) == 1
    assert len(events(acme, "room.member_added")) == 2


def test_a_direct_room_stays_as_it_is(
    alice: Membership, bob: Membership, alice_phone: Phone, acme: Organisation
) -> None:
    with inside(acme):
        carol = cast.member(acme, "Carol")
    room = f"rooms/{new_direct(alice_phone, bob)['id']}"
    with refused(403, "not_permitted"):
        alice_phone.api._send("PATCH", room, {"name": "Us"})
    with refused(403, "not_permitted"):
        post(alice_phone, f"{room}/members", {"members": [str(carol.id)]})
    with refused(409, "room_is_direct"):
        post(alice_phone, f"{room}/leave")
    with at_the_console(alice), pytest.raises(Problem) as problem:
        members.remove_member(room_id=UUID(room[6:]), membership_id=bob.id)
    assert problem.value.code == "room_is_direct"


def test_one_has_no_direct_room_with_oneself_a_guest_or_somebody_who_is_not_here(
    alice: Membership, bob: Membership, charlie: Membership, alice_phone: Phone, acme: Organisation
) -> None:
    gus = guest(acme, alice)
    external(acme, alice, gus)
    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="inquiry")
    with refused(422, "invalid"):
        new_direct(alice_phone, alice)
    for other in (gus, bob, charlie):
        with refused(404, "not_found"):
            new_direct(alice_phone, other)


def test_a_direct_room_that_the_organisation_closed_stays_closed(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone, acme: Organisation
) -> None:
    room_id = UUID(new_direct(alice_phone, bob)["id"])
    with at_the_console(alice):
        ends.close_room(room_id=room_id, reason="inquiry")
    with refused(410, "room_closed"):
        new_direct(bob_phone, alice)
    with inside(acme):
        told = Notice.objects.filter(kind=NoticeKind.ROOM_CLOSED, room_id=room_id)
        assert {one.device_id for one in told} == {alice_phone.id, bob_phone.id}


# Groups


def test_who_makes_a_group_administers_it(
    alice: Membership, bob: Membership, bob_phone: Phone, acme: Organisation
) -> None:
    room = new_group(bob_phone, alice)

    assert roles(room) == {"Bob": "administrator", "Alice": "member"}
    assert room["name"] == "Ward 7"
    assert [one["data"]["role"] for one in events(acme, "room.member_added")] == [
        "administrator",
        "member",
    ]


def test_a_group_holds_members_alone(
    alice: Membership, charlie: Membership, alice_phone: Phone, acme: Organisation
) -> None:
    gus = guest(acme, alice)
    room = new_group(alice_phone)
    for other in (gus, charlie):
        with refused(404, "not_found"):
            new_group(alice_phone, other)
        with refused(404, "not_found"):
            post(alice_phone, f"rooms/{room['id']}/members", {"members": [str(other.id)]})


def test_a_guest_makes_no_room_and_adds_nobody(
    alice: Membership, bob: Membership, acme: Organisation
) -> None:
    gus = guest(acme, alice)
    gus_phone = phone(gus)
    room = external(acme, alice, gus)
    with refused(403, "not_permitted"):
        new_direct(gus_phone, alice)
    with refused(403, "not_permitted"):
        new_group(gus_phone)
    # Nor does it learn by that who is here.
    for stranger in (bob.id, uuid4()):
        body = {"kind": "group", "name": "x", "members": [str(stranger)]}
        with refused(403, "not_permitted"):
            post(gus_phone, "rooms", body)
        with refused(403, "not_permitted"):
            post(gus_phone, f"rooms/{room.id}/members", {"members": [str(stranger)]})
    with at_the_console(alice), pytest.raises(Problem) as problem:
        members.appoint(room_id=room.id, membership_id=gus.id, role=RoomRole.ADMINISTRATOR)
    assert problem.value.code == "invalid"


def test_the_administrators_of_a_room_add_remove_and_rename(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone, acme: Organisation
) -> None:
    carol = cast.member(acme, "Carol")
    room = f"rooms/{new_group(bob_phone, alice)['id']}"
    with refused(403, "not_permitted"):
        post(alice_phone, f"{room}/members", {"members": [str(carol.id)]})
    with refused(403, "not_permitted"):
        alice_phone.api._send("DELETE", f"{room}/members/{bob.id}")
    with refused(403, "not_permitted"):
        alice_phone.api._send("PATCH", room, {"name": "Mine"})

    added = post(bob_phone, f"{room}/members", {"members": [str(carol.id), str(alice.id)]})
    assert roles(added) == {"Bob": "administrator", "Alice": "member", "Carol": "member"}
    changed = bob_phone.api._send(
        "PATCH", room, {"name": "Ward 8", "administrators": [str(carol.id)]}
    )
    assert changed["name"] == "Ward 8"
    assert roles(changed) == {"Bob": "member", "Alice": "member", "Carol": "administrator"}
    with refused(403, "not_permitted"):
        bob_phone.api._send("DELETE", f"{room}/members/{carol.id}")
    assert events(acme, "room.renamed")[0]["data"] == {"before": "Ward 7", "after": "Ward 8"}
    assert len(events(acme, "room.role_changed")) == 2


def test_the_organisation_manages_rooms_at_the_console_without_being_in_them(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone, acme: Organisation
) -> None:
    carol = cast.member(acme, "Carol")
    room_id = UUID(new_group(bob_phone, carol)["id"])
    with refused(404, "not_found"):
        get(alice_phone, f"rooms/{room_id}")
    with refused(404, "not_found"):
        alice_phone.api._send("DELETE", f"rooms/{room_id}/members/{bob.id}")

    with at_the_console(alice):
        members.remove_member(room_id=room_id, membership_id=bob.id, reason="moved away")
        members.appoint(room_id=room_id, membership_id=carol.id, role=RoomRole.ADMINISTRATOR)
        with pytest.raises(NotPermitted):
            members.add_members(room_id=room_id, membership_ids=[alice.id])
    with inside(acme):
        period = RoomMembership.objects.get(membership=bob)
        assert (period.ended_by_id, period.end_reason) == (alice.id, "moved away")
    with at_the_console(alice):
        ends.close_room(room_id=room_id, reason="project over")
        with pytest.raises(Problem) as problem:
            members.appoint(room_id=room_id, membership_id=carol.id, role=RoomRole.MEMBER)
    assert problem.value.code == "room_closed"
    assert events(acme, "room.closed")[0]["data"] == {"reason": "project over"}


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR, Role.MEMBER])
def test_others_manage_no_rooms_at_the_console(
    bob_phone: Phone, acme: Organisation, role: Role
) -> None:
    room_id = UUID(new_group(bob_phone)["id"])
    other = cast.member(acme, "Other", role)
    with at_the_console(other), pytest.raises(NotFound):
        ends.close_room(room_id=room_id, reason="spite")


def test_the_last_administrator_may_leave(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    room = f"rooms/{new_group(bob_phone, alice)['id']}"
    post(bob_phone, f"{room}/leave")
    with refused(404, "not_found"):
        post(bob_phone, f"{room}/leave")
    assert roles(get(alice_phone, room)) == {"Alice": "member"}
    assert every(bob_phone, "rooms") == []


def test_somebody_elses_room_looks_like_nobodys(
    alice: Membership,
    bob_phone: Phone,
    alice_phone: Phone,
    charlie: Membership,
    charlie_phone: Phone,
) -> None:
    theirs = new_group(bob_phone)["id"]
    abroad = new_group(charlie_phone)["id"]
    bodies = []
    for room_id in (theirs, abroad, str(uuid4())):
        room = f"rooms/{room_id}"
        with refused(404, "not_found"):
            get(alice_phone, room)
        with refused(404, "not_found"):
            alice_phone.api._send("PATCH", room, {"name": "x"})
        with refused(404, "not_found"):
            post(alice_phone, f"{room}/members", {"members": [str(alice.id)]})
        with CaptureQueriesContext(connection) as queries, refused(404, "not_found"):
            post(alice_phone, f"{room}/leave")
        sent = [str(query["sql"]) for query in queries]
        assert not [sql for sql in sent if "advisory" in sql]
        bodies.append([sql.split()[:4] for sql in sent if "SAVEPOINT" not in sql])
    assert bodies[0] == bodies[2]
    assert bodies[1] == bodies[2]


def test_a_room_is_full_at_its_devices(
    alice: Membership,
    bob: Membership,
    alice_phone: Phone,
    bob_phone: Phone,
    settings: Settings,
) -> None:
    settings.ROOM_MAX_DEVICES = 3
    acme = alice.organisation
    carol = cast.member(acme, "Carol")
    phone(alice, name="Tablet")
    room = f"rooms/{new_group(alice_phone, bob)['id']}"
    with refused(409, "room_full"):
        post(alice_phone, f"{room}/members", {"members": [str(carol.id)]})
    with inside(acme):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)
    # Without a device a person counts as one.
    with refused(409, "room_full"):
        post(alice_phone, f"{room}/members", {"members": [str(carol.id)]})
    alice_phone.api._send("DELETE", f"{room}/members/{bob.id}")
    post(alice_phone, f"{room}/members", {"members": [str(carol.id)]})


def test_a_retry_makes_no_second_room(
    alice: Membership, bob: Membership, alice_phone: Phone
) -> None:
    body = {"kind": "group", "name": "Ward 7", "members": [str(bob.id)]}
    first = post(alice_phone, "rooms", body, key="one")
    assert post(alice_phone, "rooms", body, key="one") == first
    assert ids(every(alice_phone, "rooms")) == {UUID(first["id"])}
    leave = f"rooms/{first['id']}/leave"
    post(alice_phone, leave, key="two")
    post(alice_phone, leave, key="two")


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "group", "members": []},
        {"kind": "group", "name": "", "members": []},
        {"kind": "direct", "members": []},
        {"kind": "direct", "name": "x", "members": [str(UUID(int=1))]},
        {"kind": "direct", "members": [str(UUID(int=1)), str(UUID(int=2))]},
        {"kind": "group", "name": "x", "members": [str(UUID(int=1))] * 2},
        {"kind": "group", "name": "x", "members": [], "colour": "red"},
        {"kind": "party", "name": "x", "members": []},
    ],
)
def test_a_room_that_is_not_well_described_is_not_made(
    alice_phone: Phone, body: dict[str, object]
) -> None:
    with refused(422, "invalid"):
        post(alice_phone, "rooms", body)


# Threads


def test_the_people_of_a_thread_are_in_its_parent(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone, acme: Organisation
) -> None:
    carol = cast.member(acme, "Carol")
    parent = new_group(alice_phone, bob)
    with refused(409, "not_in_parent") as problems:
        new_group(bob_phone, alice, carol, parent=parent["id"])
    assert problems[0].body["members"] == [str(carol.id)]
    thread = new_group(bob_phone, alice, name="Beds", parent=parent["id"])
    assert thread["parent"] == parent["id"]
    with refused(409, "not_in_parent"):
        post(bob_phone, f"rooms/{thread['id']}/members", {"members": [str(carol.id)]})
    with refused(422, "invalid"):
        new_group(bob_phone, parent=thread["id"])
    other = new_group(bob_phone)
    with refused(404, "not_found"):
        new_group(alice_phone, parent=other["id"])
    with refused(422, "invalid"):
        new_group(alice_phone, parent=str(external(acme, alice).id))


def test_who_goes_out_of_a_room_goes_out_of_its_threads(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    parent = new_group(alice_phone, bob)
    thread = new_group(bob_phone, alice, name="Beds", parent=parent["id"])
    alice_phone.api._send("DELETE", f"rooms/{parent['id']}/members/{bob.id}")
    assert every(bob_phone, "rooms") == []
    assert roles(get(alice_phone, f"rooms/{thread['id']}")) == {"Alice": "member"}


def test_a_room_closes_with_its_threads(
    alice: Membership, bob: Membership, alice_phone: Phone, acme: Organisation
) -> None:
    parent = new_group(alice_phone, bob)
    new_group(alice_phone, bob, name="Beds", parent=parent["id"])
    with at_the_console(alice):
        ends.close_room(room_id=UUID(parent["id"]), reason="over")
    with inside(acme):
        assert set(Room.objects.values_list("status", flat=True)) == {"closed"}
        assert not RoomMembership.objects.filter(ended_at=None).exists()


# External rooms


def test_members_come_into_an_external_room_and_nothing_changes_after_its_end(
    alice: Membership, bob: Membership, alice_phone: Phone, acme: Organisation
) -> None:
    gus = guest(acme, alice)
    room = external(acme, alice, gus)
    with at_the_console(alice):
        members.appoint(room_id=room.id, membership_id=alice.id, role=RoomRole.ADMINISTRATOR)
    shown = post(alice_phone, f"rooms/{room.id}/members", {"members": [str(bob.id)]})
    assert roles(shown) == {"Alice": "administrator", "Gus": "member", "Bob": "member"}
    with clock.moved_by(timedelta(days=8)), refused(410, "room_closed"):
        alice_phone.api._send("DELETE", f"rooms/{room.id}/members/{bob.id}")


# What happens to people


def test_whose_membership_ends_leaves_every_room(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone, acme: Organisation
) -> None:
    new_group(alice_phone, bob)
    new_direct(bob_phone, alice)
    with inside(acme):
        end_membership(membership_id=bob.id, reason="retired")
        periods = list(RoomMembership.objects.filter(membership=bob))
    assert [one.end_reason for one in periods] == ["retired", "retired"]
    assert all(one.ended_at for one in periods)
    ended = events(acme, "room.member_removed")
    assert [one["data"]["reason"] for one in ended] == ["retired", "retired"]


def test_who_is_suspended_stays_and_cannot_be_messaged(
    alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone, acme: Organisation
) -> None:
    room = new_group(alice_phone, bob)
    assert [len(one["devices"]) for one in room["members"]] == [1, 1]
    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="inquiry")
    room = get(alice_phone, f"rooms/{room['id']}")
    assert {one["name"]: len(one["devices"]) for one in room["members"]} == {"Alice": 1, "Bob": 0}


# How many statements


def test_lists_cost_the_same_however_long(
    alice: Membership, bob: Membership, alice_phone: Phone, acme: Organisation
) -> None:
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            get(alice_phone, path)
        return len(queries)

    room = f"rooms/{new_group(alice_phone)['id']}"
    paths = ("rooms", room, "members")
    few = [cost(path) for path in paths]
    for number in range(4):
        person = cast.member(acme, f"Person {number}")
        phone(person)
        new_group(alice_phone, person, bob)
        post(alice_phone, f"{room}/members", {"members": [str(person.id)]})
    assert [cost(path) for path in paths] == few
    assert max(few) <= 5


def test_rooms_are_paged(alice_phone: Phone) -> None:
    made = {UUID(new_group(alice_phone)["id"]) for _ in range(5)}
    assert ids(every(alice_phone, "rooms", limit=2)) == made
    with refused(400, "malformed"):
        get(alice_phone, "rooms?cursor=nonsense")
    for wrong in ("limit=0", "limit=x", "limit=201", "page=2"):
        with refused(422, "invalid"):
            get(alice_phone, f"rooms?{wrong}")
