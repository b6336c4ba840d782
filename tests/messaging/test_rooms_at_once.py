"""Rooms that several change at once, in a database that commits."""

from uuid import UUID

import pytest

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import RoomMembership, RoomRole
from messaging.services import members, rooms
from orgs.models import Membership, MembershipStatus, Role
from orgs.services.memberships import end_membership
from semafore.kernel.problems import NotAuthenticated, NotFound
from tests import cast
from tests.at_once import at_once
from tests.cast import Phone, inside, phone
from tests.messaging.calls import acting


@pytest.fixture
def two(committed: None) -> tuple[Phone, Phone]:
    """Two people of Acme with a device each, committed."""
    acme = cast.organisation("Acme")
    return phone(cast.member(acme, "Alice", Role.OWNER)), phone(cast.member(acme, "Bob"))


def test_two_who_make_the_same_direct_room_get_one(two: tuple[Phone, Phone]) -> None:
    def make(mine: Phone, other: Phone) -> UUID:
        with acting(mine):
            return rooms.create_direct(other_id=other.device.membership_id).id

    a, b = two
    for phone_ in two:
        phone_.api.token()
    results = at_once(*[lambda: make(a, b), lambda: make(b, a)] * 4)
    assert len(set(results)) == 1
    assert isinstance(results[0], UUID), results


def test_two_administrators_who_add_the_same_person_add_them_once(
    two: tuple[Phone, Phone],
) -> None:
    a, b = two
    acme = a.reload().organisation
    carol = cast.member(acme, "Carol")
    with acting(a):
        room = rooms.create_group(name="Ward 7", member_ids=[b.device.membership_id])
        members.appoint(
            room_id=room.id, membership_id=b.device.membership_id, role=RoomRole.ADMINISTRATOR
        )

    def add(mine: Phone) -> None:
        with acting(mine):
            members.add_members(room_id=room.id, membership_ids=[carol.id])

    assert at_once(lambda: add(a), lambda: add(b)) == [None, None]
    with inside(acme):
        assert RoomMembership.objects.filter(room=room, membership=carol).count() == 1


def test_two_administrators_who_remove_each_other_leave_one(two: tuple[Phone, Phone]) -> None:
    a, b = two
    with acting(a):
        room = rooms.create_group(name="Ward 7", member_ids=[b.device.membership_id])
        members.appoint(
            room_id=room.id, membership_id=b.device.membership_id, role=RoomRole.ADMINISTRATOR
        )

    def remove(mine: Phone, other: Phone) -> None:
        with acting(mine):
            members.remove_member(room_id=room.id, membership_id=other.device.membership_id)

    results = at_once(lambda: remove(a, b), lambda: remove(b, a))
    assert sorted(type(one).__name__ for one in results) == ["NoneType", "NotFound"]


@pytest.mark.parametrize("attempt", range(3))
def test_nobody_is_added_whose_membership_ends_at_the_same_moment(
    two: tuple[Phone, Phone], attempt: int
) -> None:
    a, b = two
    acme = a.reload().organisation
    with acting(a):
        room = rooms.create_group(name="Ward 7", member_ids=[])
    bob_id = b.device.membership_id

    def add() -> None:
        with acting(a):
            members.add_members(room_id=room.id, membership_ids=[bob_id])

    def end() -> None:
        with inside(acme):
            end_membership(membership_id=bob_id, reason="left")

    added, ended = at_once(add, end)
    assert ended is None
    assert added is None or isinstance(added, NotFound)
    with inside(acme):
        assert Membership.objects.get(id=bob_id).status == MembershipStatus.ENDED
        assert not RoomMembership.objects.filter(membership_id=bob_id, ended_at=None).exists()


def test_a_device_that_is_revoked_while_it_waits_changes_nothing(
    two: tuple[Phone, Phone],
) -> None:
    a, b = two
    with acting(a):
        room = rooms.create_group(name="Ward 7", member_ids=[b.device.membership_id])
        with inside(a.reload().organisation):
            revoke_device(device_id=a.id, reason=RevocationReason.LOST)
        with pytest.raises(NotAuthenticated):
            rooms.rename_room(room_id=room.id, name="x")
