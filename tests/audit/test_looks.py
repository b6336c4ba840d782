"""Every look is an event, and looks at looks don't beget each other."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from audit.events.retention import HoldLiftWithdrawn
from audit.models import Event, IndexedEvent, QuietLook
from audit.selectors.events import EventFilter
from audit.selectors.reading import Reader
from audit.services.examined import SOMEBODY_ELSE
from audit.services.looks import forget_quiet_looks
from audit.services.reading import follow_events, search_events, take_proof, view_event
from audit.services.recording import Fact, Ref
from orgs.models import Membership, MembershipKind, Organisation, Role
from orgs.roles import permissions_of
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.aged import DAY, fact_of_class, happened
from tests.audit.programs import ask, issue
from tests.audit.published import publish
from tests.cast import Phone, inside
from tests.moments import HOUR, beginning

ALL = permissions_of(MembershipKind.MEMBER, Role.OWNER)


@pytest.fixture(autouse=True)
def no_hour_ends() -> Iterator[None]:
    """Looks at looks are recorded once an hour."""
    with beginning(HOUR):
        yield


def as_(person: Membership) -> Actor:
    return Actor(ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def searched(by: Membership, chosen: EventFilter = EventFilter()) -> int:  # noqa: B008 - frozen
    """A look at the newest events; how many it showed."""
    with acting_as(as_(by)), organisation_scope(by.organisation_id):
        return len(search_events(reader=Reader(ALL, by.id), chosen=chosen, cursor=None).lines)


def looks(of: Organisation) -> list[dict[str, Any]]:
    """The records of looks, with the people in them, oldest first."""
    return recorded(of, "audit.searched", "audit.viewed")


def recorded(of: Organisation, *types: str) -> list[dict[str, Any]]:
    with inside(of):
        rows = list(Event.objects.order_by("id").values_list("who", "what"))
    both = [(json.loads(bytes(who or b"")), json.loads(bytes(what or b""))) for who, what in rows]
    return [{**what, "who": who} for who, what in both if what["type"] in types]


# No loop


class Poller:
    """A program that asks for what is new, and looks at each event that it is told of."""

    def __init__(self, of: Organisation, *, opens: bool) -> None:
        self.token, self.cursor, self.opens = issue(of).token, "", opens
        self.seen: list[int] = []

    def poll(self) -> None:
        given = {"limit": 1000} | ({"cursor": self.cursor} if self.cursor else {})
        body = ask(self.token, f"events?{urlencode(given)}").json()
        self.cursor = body["next"]
        for one in body["results"]:
            self.seen.append(one["seq"])
            if self.opens:
                assert ask(self.token, f"events/{one['id']}").status_code == 200
                assert ask(self.token, f"events/{one['id']}/proof").status_code in {200, 202}


def test_two_programs_over_a_quiet_log_leave_a_few_events(acme: Organisation) -> None:
    """Each sees the other's looks, and opens them, as often as it can."""
    pollers = [Poller(acme, opens=True), Poller(acme, opens=True)]
    sizes = []
    for turn in range(14):
        pollers[turn % 2].poll()
        publish(acme)
        with inside(acme):
            sizes.append(IndexedEvent.objects.count())
    assert sizes[-1] == sizes[-6], "it goes on for ever"
    for poller in pollers:
        poller.poll()
        assert poller.seen == list(range(sizes[-1])), "something was missed or came twice"


def test_a_program_that_asks_for_the_last_minutes_leaves_two_events_an_hour(
    acme: Organisation,
) -> None:
    token = issue(acme).token
    publish(acme)
    began = clock.now().replace(minute=10, second=0, microsecond=0) + 3 * HOUR
    for minute in range(40):
        since = began + timedelta(minutes=minute)
        with clock.moved_by(since - clock.now()):
            assert ask(token, f"events?{urlencode({'from': since.isoformat()})}").status_code == 200
    assert len(looks(acme)) == 1


def test_a_look_at_anything_else_is_recorded_each_time(
    acme: Organisation, alice: Membership
) -> None:
    for number in range(1, 4):
        happened(acme, [fact_of_class(1)], ago=DAY)
        assert searched(alice)
        assert len(looks(acme)) == number
    poller = Poller(acme, opens=False)
    for number in range(4, 7):
        happened(acme, [fact_of_class(1)], ago=DAY)
        poller.poll()
        publish(acme)
        assert len(looks(acme)) == number


def test_a_look_that_shows_only_looks_is_recorded_once_an_hour_and_filter(
    acme: Organisation, alice: Membership
) -> None:
    nobody, somebody = EventFilter(room=uuid4()), EventFilter(action="audit.searched")
    for _ in range(3):
        searched(alice, nobody)
    assert len(looks(acme)) == 1
    publish(acme)
    for _ in range(3):
        assert searched(alice, somebody) == 1
    assert len(looks(acme)) == 2
    searched(alice, EventFilter(room=uuid4()))
    searched(cast.member(acme, "Odo", Role.AUDITOR), nobody)
    assert len(looks(acme)) == 4
    with clock.moved_by(HOUR):
        for _ in range(3):
            searched(alice, nobody)
    assert len(looks(acme)) == 5


def test_one_of_many_at_once_records_a_quiet_look(committed: None) -> None:
    acme = cast.organisation("Acme")
    alice = cast.member(acme, "Alice", Role.OWNER)
    chosen = EventFilter(room=uuid4())

    def look(_: int) -> None:
        try:
            searched(alice, chosen)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(32)))
    assert len(looks(acme)) == 1


def test_a_look_that_failed_does_not_keep_the_next_one_from_being_recorded(
    acme: Organisation, alice: Membership
) -> None:
    chosen = EventFilter(room=uuid4())
    with transaction.atomic():
        searched(alice, chosen)
        transaction.set_rollback(True)
    assert not looks(acme)
    searched(alice, chosen)
    assert len(looks(acme)) == 1


def test_what_earlier_hours_left_is_deleted(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    searched(alice, EventFilter(room=uuid4()))
    searched(charlie, EventFilter(room=uuid4()))
    with inside(acme):
        assert forget_quiet_looks() == 0
        with clock.moved_by(HOUR):
            assert forget_quiet_looks() == 1
        assert not QuietLook.objects.exists()
    with inside(globex):
        assert QuietLook.objects.count() == 1


# About whom


@pytest.mark.parametrize("field", ["actor", "target", "about"])
@pytest.mark.parametrize("found", [True, False], ids=["found", "nothing found"])
def test_a_search_by_a_person_is_about_them(
    acme: Organisation, alice: Membership, bob: Membership, field: str, *, found: bool
) -> None:
    happened(acme, [fact_of_class(1)], ago=DAY, by=bob)
    publish(acme)
    named: dict[str, Any] = {field: bob.id}
    searched(alice, EventFilter(**named, action="" if found else "log.halted"))
    (look,) = looks(acme)
    assert look["who"]["subject"]["id"] == str(bob.id)
    assert look["data"]["filters"][field] == str(bob.id)


def test_a_search_by_a_device_is_about_whose_it_is(
    acme: Organisation, alice: Membership, bob_phone: Phone
) -> None:
    publish(acme)
    bob = str(bob_phone.device.membership_id)
    for chosen in (
        EventFilter(actor=bob_phone.id),
        EventFilter(target=bob_phone.id),
        EventFilter(about=bob_phone.id, action="log.halted"),
    ):
        searched(alice, chosen)
        assert looks(acme)[-1]["who"]["subject"]["id"] == bob


def test_a_search_by_a_room_or_by_what_nobody_knows_is_about_nobody(
    acme: Organisation, alice: Membership
) -> None:
    room = uuid4()
    fact = Fact(fact_of_class(2).what, room=Ref("room", room, "Room 7"))
    happened(acme, [fact], ago=DAY)
    searched(alice, EventFilter(about=room))
    searched(alice, EventFilter(about=uuid4()))
    assert [look["who"]["subject"] for look in looks(acme)] == [None, None]


def test_nobody_learns_of_a_search_by_them_from_the_record_about_another(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    happened(acme, [fact_of_class(1)], ago=DAY, by=bob)
    odo = cast.member(acme, "Odo", Role.AUDITOR)
    searched(odo, EventFilter(actor=bob.id, target=alice.id))
    publish(acme)
    about = {UUID(look["who"]["subject"]["id"]): look["data"]["filters"] for look in looks(acme)}
    assert about == {
        bob.id: {"actor": str(bob.id), "target": SOMEBODY_ELSE},
        alice.id: {"actor": SOMEBODY_ELSE, "target": str(alice.id)},
    }
    with acting_as(as_(alice)), organisation_scope(acme.id):
        reader = Reader(ALL, alice.id)
        page = follow_events(reader=reader, chosen=EventFilter(), cursor=None, limit=1000)
    assert str(alice.id) not in [
        line.who["subject"]["id"]
        for line in page.lines
        if line.row.type == "audit.searched" and line.who
    ]


def test_a_look_at_an_event_about_a_person_is_about_them(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    subject = Ref("member", bob.id, "Bob")
    hold, plain = happened(
        acme,
        [
            Fact(HoldLiftWithdrawn(hold_id=uuid4(), request_id=uuid4()), subject=subject),
            Fact(fact_of_class(1).what, subject=subject),
        ],
        ago=DAY,
    )
    publish(acme)
    with acting_as(as_(alice)), organisation_scope(acme.id):
        reader = Reader(ALL, alice.id)
        for event_id in (hold, plain):
            view_event(event_id=event_id, reader=reader)
            assert take_proof(event_id=event_id, reader=reader)
    about = [look["who"]["subject"] and look["who"]["subject"]["id"] for look in looks(acme)]
    assert about == [str(bob.id)] * 4
    assert all(first["id"] <= second["id"] for first, second in pairwise(looks(acme)))
