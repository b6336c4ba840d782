"""The list of rooms: its filters, its numbers, and what it keeps from whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Message, Room, RoomKind, RoomMembership
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago, get

MOST_STATEMENTS = 20


def shown(answer: Any) -> set[str]:
    assert answer.status_code == 200
    return {row.title for row in answer.context["rows"]}


@pytest.fixture
def house(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> dict[str, Room]:
    """One room of each kind, all old, of which Bob wrote in two."""
    calder, tessel = affairs.party(acme), affairs.party(acme, "Tessel")
    dana = cast.member(acme, "Dana")
    grace = affairs.guest(acme, "Grace", bob, calder)
    gus = affairs.guest(acme, "Gus", dana, tessel)
    end = clock.now() + timedelta(days=3)
    rooms = {
        "ward": talk.group(acme, alice, bob, name="Ward 7"),
        "pair": affairs.direct(acme, bob, alice),
        "recall": affairs.external(acme, bob, grace, company=calder, closes_at=end),
        "audit": affairs.external(acme, dana, gus, company=tessel, name="Audit"),
        "over": affairs.external(acme, dana, company=tessel, name="Over"),
    }
    affairs.close(acme, rooms["over"], alice)
    with inside(acme):
        Room.objects.update(created_at=ago(days=60))
    affairs.message(acme, bob_phone.device, room=rooms["ward"], at=ago(days=2))
    affairs.message(acme, bob_phone.device, room=rooms["pair"], at=ago(days=2))
    affairs.message(acme, bob_phone.device, room=rooms["recall"], at=ago(days=20))
    return rooms


ALL = {"Ward 7", "Alice and Bob", "Scanner recall", "Audit", "Over"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ALL),
        ({"text": "sca"}, {"Scanner recall"}),
        ({"kind": "internal"}, {"Ward 7", "Alice and Bob"}),
        ({"kind": "external"}, {"Scanner recall", "Audit", "Over"}),
        ({"kind": "direct"}, {"Alice and Bob"}),
        ({"status": "closed"}, {"Over"}),
        ({"party": "tessel"}, {"Audit", "Over"}),
        ({"sponsor": "dan"}, {"Audit"}),
        ({"ends_within": "7"}, {"Scanner recall"}),
        ({"ends_within": "10"}, {"Scanner recall", "Audit"}),
        ({"silent_for": "10"}, {"Scanner recall", "Audit"}),
        ({"silent_for": "1"}, {"Scanner recall", "Audit", "Ward 7", "Alice and Bob"}),
        ({"kind": "external", "party": "cal", "status": "closed"}, set()),
    ],
)
def test_filters(
    acme: Organisation,
    alice: Membership,
    house: dict[str, Room],
    query: dict[str, str],
    found: set[str],
) -> None:
    answer = get(alice, acme, "rooms", **query)
    assert shown(answer) == found
    assert ("Nothing matches" in answer.text) is (not found)


def test_a_filter_that_makes_no_sense_is_said(acme: Organisation, alice: Membership) -> None:
    answer = get(alice, acme, "rooms", ends_within="soon")
    assert "There is a problem" in answer.text
    assert "Nothing yet" in get(alice, acme, "rooms").text


def test_numbers_and_ends(acme: Organisation, alice: Membership, house: dict[str, Room]) -> None:
    rows = {row.title: row for row in get(alice, acme, "rooms").context["rows"]}
    recall = rows["Scanner recall"]
    assert (recall.people, recall.guests, recall.standing) == (1, 1, "active")
    assert (rows["Ward 7"].people, rows["Ward 7"].guests) == (2, 0)
    assert (rows["Over"].people, rows["Over"].standing) == (0, "closed")
    assert recall.last_message < ago(days=19)
    assert rows["Audit"].last_message is None
    with clock.moved_by(timedelta(days=4)):
        rows = {row.title: row for row in get(alice, acme, "rooms").context["rows"]}
        assert rows["Scanner recall"].standing == "ended"


def test_when_two_people_last_wrote_is_for_owners_and_auditors(
    acme: Organisation, alice: Membership, house: dict[str, Room]
) -> None:
    """Whoever may not read traffic sees the day, of more than two people."""
    admin = cast.signed_in(cast.member(acme, "Adam", Role.ADMIN))
    with inside(acme):
        last = {one.room_id: one.accepted_at for one in Message.objects.all()}
    pair, ward = last[house["pair"].id], last[house["ward"].id]
    day, minute = "%-d %b %Y", "%-d %b %Y, %H:"

    def cells(person: Any, kind: str) -> str:
        return str(get(person, acme, "rooms", kind=kind).text)

    assert f"{pair:{minute}}" in cells(alice, "direct")
    assert f"{ward:{minute}}" in cells(alice, "group")
    assert f"{pair:{day}}" not in cells(admin, "direct")
    assert f"{ward:{minute}}" not in cells(admin, "group")
    assert f"{ward:{day}}" in cells(admin, "group")
    assert shown(get(admin, acme, "rooms", silent_for="1")) == {
        "Scanner recall",
        "Audit",
        "Ward 7",
    }
    assert f"{pair:{day}}" not in get(admin, acme, "room", house["pair"].id).text


def test_others_see_nothing(
    globex: Organisation, charlie: Membership, house: dict[str, Room]
) -> None:
    assert shown(get(charlie, globex, "rooms")) == set()


def test_hundreds_cost_what_two_do_and_come_page_by_page(
    acme: Organisation, alice: Membership, bob: Membership, house: dict[str, Room]
) -> None:
    browser = cast.signed_in(alice)

    def statements(**query: str) -> int:
        with CaptureQueriesContext(connection) as sent:
            assert get(browser, acme, "rooms", **query).status_code == 200
        return len(sent)

    statements()
    few = [statements(), statements(silent_for="3"), statements(sponsor="b")]
    with inside(acme):
        rooms = Room.objects.bulk_create(
            Room(organisation_id=acme.id, kind=RoomKind.GROUP, name=f"Room {number}")
            for number in range(300)
        )
        RoomMembership.objects.bulk_create(
            RoomMembership(organisation_id=acme.id, room=room, membership=person)
            for room in rooms
            for person in (alice, bob)
        )
    many = [statements(), statements(silent_for="3"), statements(sponsor="b")]
    # The names of two people are read where there is a room of two.
    assert all(now <= before for now, before in zip(many, few, strict=True))
    assert max(few) <= MOST_STATEMENTS

    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(browser, acme, "rooms", **({"cursor": cursor} if cursor else {})).context
        found += [row.title for row in page["rows"]]
        cursor = page["page"].next
    assert len(found) == len(set(found)) == 305
