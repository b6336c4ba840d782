"""`GET changes`: who follows the feed ends with what the lists say."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import RoomMembership
from messaging.selectors import changes
from messaging.services.periods import begin_periods, close, end_periods
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.memberships import end_membership, suspend_membership
from semafore.kernel import clock
from tests import cast
from tests.at_once import at_once
from tests.cast import Phone, inside, phone
from tests.messaging.calls import every, external, get, guest, new_group, refused
from tests.messaging.follower import Follower, Town, lists, locked


def feed(of: Phone, cursor: str | None = None) -> Any:
    return get(of, f"changes?cursor={cursor}" if cursor else "changes")


def names(rows: list[Any]) -> set[str]:
    return {row["name"] for row in rows}


def test_without_a_cursor_there_is_the_present_one_and_nothing_else(
    alice_phone: Phone, bob_phone: Phone
) -> None:
    nothing: dict[str, list[Any]] = {"changed": [], "removed": []}
    first = feed(alice_phone)
    assert first.pop("cursor")
    assert first == {
        "rooms": nothing,
        "members": nothing,
        "devices": nothing,
        "managed_config_version": 1,
        "more": False,
    }


def test_a_room_that_one_is_put_into_is_new_with_its_guests_and_their_devices(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    gus = guest(acme, alice)
    gus_phone = phone(gus)
    of_bob, of_gus = feed(bob_phone)["cursor"], feed(gus_phone)["cursor"]
    room = external(acme, bob, gus)

    for viewer, cursor, other, device in (
        (bob_phone, of_bob, gus, gus_phone),
        (gus_phone, of_gus, bob, bob_phone),
    ):
        page = feed(viewer, cursor)
        assert [one["id"] for one in page["rooms"]["changed"]] == [str(room.id)]
        assert page["rooms"]["changed"] == every(viewer, "rooms")
        assert str(other.id) in {one["id"] for one in page["members"]["changed"]}
        assert str(device.id) in {one["id"] for one in page["devices"]["changed"]}
        assert not page["more"]
        again = feed(viewer, page["cursor"])
        assert (
            again["rooms"]
            == again["members"]
            == again["devices"]
            == {
                "changed": [],
                "removed": [],
            }
        )


def test_what_one_may_see_no_longer_is_removed(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    gus = guest(acme, alice)
    gus_phone = phone(gus)
    room = external(acme, bob, gus)
    cursor, of_gus = feed(bob_phone)["cursor"], feed(gus_phone)["cursor"]
    with inside(acme):
        period = RoomMembership.objects.select_related("room", "membership").get(membership=bob)
        end_periods([period], reason="enough")
    page = feed(bob_phone, cursor)
    assert page["rooms"] == {"changed": [], "removed": [str(room.id)]}
    assert page["members"] == {"changed": [], "removed": [str(gus.id)]}
    assert page["devices"] == {"changed": [], "removed": [str(gus_phone.id)]}
    page = feed(gus_phone, of_gus)
    assert page["members"] == {"changed": [], "removed": [str(bob.id)]}
    assert page["devices"] == {"changed": [], "removed": [str(bob_phone.id)]}

    with inside(acme):
        revoke_device(device_id=alice_phone.id, reason=RevocationReason.LOST)
        suspend_membership(membership_id=cast.member(acme, "Sue").id, reason="inquiry")
    page = feed(bob_phone, cursor)
    assert str(alice_phone.id) in page["devices"]["removed"]
    assert len(page["members"]["removed"]) == 2
    assert feed(gus_phone, of_gus)["devices"]["removed"] == [str(bob_phone.id)]


def test_nobody_hears_of_whom_they_never_saw(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone, charlie: Membership
) -> None:
    gus, other = guest(acme, alice), guest(acme, alice, "Other")
    gus_phone, other_phone = phone(gus), phone(other)
    room = external(acme, alice, other)
    with inside(acme):
        period = RoomMembership.objects.select_related("room", "membership").get(membership=other)
        end_periods([period], reason="done")
        begin_periods(room, [gus])
    of_bob, of_gus = feed(bob_phone)["cursor"], feed(gus_phone)["cursor"]
    pending = cast.member(acme, "Paula", status=MembershipStatus.PENDING)
    with inside(acme):
        end_membership(membership_id=pending.id, reason="denied")
        end_membership(membership_id=other.id, reason="left")
        revoke_device(device_id=phone(bob, approved=False).id, reason=RevocationReason.LOST)
    group = new_group(bob_phone)

    page = feed(bob_phone, of_bob)
    assert page["members"] == page["devices"] == {"changed": [], "removed": []}
    page = feed(gus_phone, of_gus)
    assert page["rooms"] == page["members"] == page["devices"] == {"changed": [], "removed": []}
    assert str(group["id"]) not in str(page)
    assert str(other_phone.id) not in str(page)


def test_a_cursor_serves_its_person_for_90_days(
    alice_phone: Phone, bob_phone: Phone, charlie_phone: Phone
) -> None:
    mine = feed(alice_phone)["cursor"]
    listed = get(alice_phone, "members?limit=1")["next"]
    for wrong in (
        feed(bob_phone)["cursor"],
        feed(charlie_phone)["cursor"],
        listed,
        "nonsense",
        mine[:-1] + "!",
    ):
        with refused(410, "cursor_expired"):
            feed(alice_phone, wrong)
    with clock.moved_by(timedelta(days=89)):
        fresh = feed(alice_phone, mine)["cursor"]
    with clock.moved_by(timedelta(days=90, minutes=1)):
        feed(alice_phone, fresh)
        with refused(410, "cursor_expired"):
            feed(alice_phone, mine)


def test_a_page_costs_the_same_however_much_changed(
    acme: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    def cost(cursor: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            feed(alice_phone, cursor)
        return len(queries)

    cursor = feed(alice_phone)["cursor"]
    assert cost(cursor) == 3
    gus = guest(acme, alice)
    phone(gus)
    new_group(alice_phone, cast.member(acme, "First"))
    room = external(acme, alice, gus)
    with inside(acme):
        close(room, reason="over")
    little = cost(cursor)
    for number in range(4):
        person, other = cast.member(acme, f"Person {number}"), guest(acme, alice, f"G {number}")
        phone(person)
        phone(other)
        new_group(alice_phone, person)
        external(acme, alice, other)
    assert cost(cursor) == little <= 13


# Any walk


@pytest.mark.parametrize("seed", range(3))
def test_who_follows_ends_with_what_the_lists_say(
    acme: Organisation, alice: Membership, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "ROWS_A_PAGE", 3)
    random = Random(seed)  # noqa: S311 - a walk, no secret
    town = Town(acme, alice, random)
    followers = [Follower.of(one) for one in town.phones]
    with inside(acme):
        for _ in range(40):
            town.act()
            for follower in followers:
                follower.look()
            if random.random() < 0.3:
                follower = random.choice(followers)
                removed = follower.catch_up()
                assert {str(one) for one in removed} <= follower.heard_of
                assert follower.state == lists(follower.viewer)
        for follower in followers:
            follower.catch_up()
            assert follower.state == lists(follower.viewer)


def test_nothing_is_missed_while_two_write_at_once(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "ROWS_A_PAGE", 5)
    acme = cast.organisation("Acme")
    alice = cast.member(acme, "Alice", Role.OWNER)
    town = Town(acme, alice, Random(1))  # noqa: S311 - a walk, no secret
    followers = [Follower.of(one) for one in town.phones]
    writing = [True, True]

    def write(place: int) -> None:
        hand = Town.__new__(Town)
        hand.__dict__ = {**town.__dict__, "random": Random(place)}  # noqa: S311 - the same
        try:
            for _ in range(40):
                with inside(acme), transaction.atomic():
                    locked(hand.act)
        finally:
            writing[place] = False

    def read() -> int:
        pages = 0
        while any(writing):
            with inside(acme):
                for follower in followers:
                    follower.catch_up()
                    pages += 1
        return pages

    results = at_once(lambda: write(0), lambda: write(1), read)
    assert results[:2] == [None, None], results
    assert results[2] > 2
    with inside(acme):
        for follower in followers:
            follower.catch_up()
            assert follower.state == lists(follower.viewer)
