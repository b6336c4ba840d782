"""Who was where at a moment, by what happened step by step; and what changed meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from messaging.models import Room, RoomMembership, RoomRole
from messaging.services.members import appoint
from messaging.services.periods import begin_periods, end_period
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.memberships import (
    activate_membership,
    change_role,
    end_membership,
    suspend_membership,
)
from reports.questions import Kind, Question
from reports.selectors.membership import Change, changes, present
from semafore.kernel import clock
from tests import cast
from tests.audit.published import publish
from tests.cast import inside
from tests.messaging import talk
from tests.messaging.calls import at_the_console


def days_ago(days: float) -> datetime:
    return clock.now() - timedelta(days=days)


@contextmanager
def then(by: Membership, days: float) -> Iterator[None]:
    """Somebody acts so many days ago."""
    with clock.moved_by(-timedelta(days=days)), at_the_console(by):
        yield


def asked(at: datetime, room: Room | None = None) -> Question:
    return Question(
        kind=Kind.MEMBERSHIP,
        at=at,
        room=room.id if room else None,
        from_at=days_ago(60),
        to_at=clock.now() + timedelta(days=1),
    )


def there(of: Organisation, at: datetime, room: Room | None = None) -> dict[str, tuple[str, str]]:
    """Role and standing of everybody, read in pages of two."""
    found: dict[str, tuple[str, str]] = {}
    cursor = None
    with inside(of):
        while True:
            page = present(asked(at, room), cursor=cursor, limit=2)
            assert not {one.name for one in page.rows} & found.keys()
            found |= {one.name: (one.role, one.standing) for one in page.rows}
            cursor = page.next
            if cursor is None:
                return found


def every_change(of: Organisation, room: Room | None = None, limit: int = 2) -> list[Change]:
    found: list[Change] = []
    cursor = None
    with inside(of):
        while True:
            page = changes(asked(clock.now(), room), cursor=cursor, limit=limit)
            found += page.rows
            cursor = page.next
            if cursor is None:
                return found


def test_a_room_as_of_each_moment(acme: Organisation, alice: Membership, bob: Membership) -> None:
    dana = cast.member(acme, "Dana")
    with then(alice, 20):
        room = talk.group(acme, alice, bob)
    with inside(acme):
        RoomMembership.objects.filter(room=room).update(added_at=days_ago(20))
    with then(alice, 15):
        begin_periods(room, [dana])
    with then(alice, 10):
        appoint(room_id=room.id, membership_id=bob.id, role=RoomRole.ADMINISTRATOR)
    with then(alice, 5):
        period = RoomMembership.objects.select_related("room", "membership").get(membership=bob)
        end_period(period, reason="Another ward")
    with then(alice, 3):
        begin_periods(room, [bob])
    publish(acme)

    boss, plain = ("administrator", ""), ("member", "")
    assert there(acme, days_ago(21), room) == {}
    assert there(acme, days_ago(18), room) == {"Alice": boss, "Bob": plain}
    assert there(acme, days_ago(12), room) == {"Alice": boss, "Bob": plain, "Dana": plain}
    assert there(acme, days_ago(8), room) == {"Alice": boss, "Bob": boss, "Dana": plain}
    assert there(acme, days_ago(4), room) == {"Alice": boss, "Dana": plain}
    assert there(acme, clock.now(), room) == {"Alice": boss, "Dana": plain, "Bob": plain}


def test_what_changed_in_a_room(acme: Organisation, alice: Membership, bob: Membership) -> None:
    room = talk.group(acme, alice, bob)
    with at_the_console(alice):
        appoint(room_id=room.id, membership_id=bob.id, role=RoomRole.ADMINISTRATOR)
        period = RoomMembership.objects.select_related("room", "membership").get(membership=bob)
        end_period(period, reason="Another ward")
    publish(acme)

    found = every_change(acme, room)

    assert [(one.what, one.name, one.text) for one in found[:2]] == [
        ("left", "Bob", "Another ward"),
        ("role", "Bob", "member → administrator"),
    ]
    assert sorted((one.what, one.name) for one in found[2:]) == [
        ("joined", "Alice"),
        ("joined", "Bob"),
    ]
    assert {one.actor for one in found} == {"Alice"}
    assert found == every_change(acme, room, limit=100)


def test_the_organisation_as_of_each_moment(acme: Organisation) -> None:
    with clock.moved_by(-timedelta(days=30)):
        owner = cast.member(acme, "Olga", Role.OWNER)
        cast.member(acme, "Pia", status=MembershipStatus.PENDING)
        quin = cast.member(acme, "Quin")
    with then(owner, 20):
        change_role(membership_id=quin.id, role=Role.ADMIN)
    with then(owner, 10):
        suspend_membership(membership_id=quin.id, reason="Leave")
        pia = Membership.objects.get(name="Pia")
        activate_membership(membership_id=pia.id)
    with then(owner, 5):
        end_membership(membership_id=quin.id, reason="Gone")
    publish(acme)

    olga = ("owner", "active")
    assert there(acme, days_ago(31)) == {}
    assert there(acme, days_ago(25)) == {"Olga": olga, "Quin": ("member", "active")}
    assert there(acme, days_ago(15)) == {"Olga": olga, "Quin": ("admin", "active")}
    assert there(acme, days_ago(8)) == {
        "Olga": olga,
        "Pia": ("member", "active"),
        "Quin": ("admin", "suspended"),
    }
    assert there(acme, clock.now()) == {"Olga": olga, "Pia": ("member", "active")}
    found = [(one.what, one.name) for one in every_change(acme)]
    assert found[:4] == [
        ("ended", "Quin"),
        ("active", "Pia"),
        ("suspended", "Quin"),
        ("role", "Quin"),
    ]
    assert sorted(found[4:]) == [("active", "Olga"), ("active", "Quin"), ("pending", "Pia")]


def test_only_what_lies_in_the_period_changed(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = talk.group(acme, alice, bob)
    moments = {alice: days_ago(9), bob: days_ago(7)}
    with inside(acme):
        for person, moment in moments.items():
            RoomMembership.objects.filter(membership=person).update(added_at=moment)

        def names(from_at: datetime, to_at: datetime) -> list[str]:
            asked: dict[str, Any] = {"room": room.id, "at": clock.now()}
            question = Question(kind=Kind.MEMBERSHIP, from_at=from_at, to_at=to_at, **asked)
            return [one.name for one in changes(question, cursor=None).rows]

        assert names(moments[alice], moments[bob]) == ["Alice"]
        assert names(days_ago(8), clock.now()) == ["Bob"]


def test_forgotten_people_have_no_name(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = talk.group(acme, alice, bob)
    with inside(acme):
        Membership.objects.filter(id=bob.id).update(name="", status="ended")
    assert "Name forgotten" in there(acme, clock.now(), room)
    assert "Name forgotten" in {one.name for one in every_change(acme, room)}
