"""One room: who is in it, and its timeline, for whom it is whole and for whom it isn't."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Delivery, Message, Outcome, Room, RoomMembership
from messaging.selectors.timeline import Happening, Strand, timeline
from orgs.models import ExternalParty, Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago, get

MOST_STATEMENTS = 20


@pytest.fixture
def calder(acme: Organisation) -> ExternalParty:
    return affairs.party(acme)


@pytest.fixture
def grace(acme: Organisation, bob: Membership, calder: ExternalParty) -> Membership:
    return affairs.guest(acme, "Grace", bob, calder)


@pytest.fixture
def recall(acme: Organisation, bob: Membership, grace: Membership, calder: ExternalParty) -> Room:
    """Bob and Grace talk."""
    return affairs.external(acme, bob, grace, company=calder)


def whats(answer: Any) -> list[str]:
    return [one.what for one in answer.context["page"].rows]


@pytest.fixture
def sent(
    acme: Organisation, recall: Room, alice: Membership, bob_phone: Phone, grace: Membership
) -> Message:
    """A message of Bob's in a room where one of everything happened, up to its closing."""
    room = recall
    graces = cast.phone(grace, name="Grace's phone")
    sent = affairs.message(acme, bob_phone.device, room=room, to=(graces.device,), at=ago(hours=2))
    affairs.message(
        acme,
        bob_phone.device,
        room=room,
        to=(graces.device,),
        at=ago(hours=1),
        outcome=Outcome.EXPIRED,
    )
    granted = affairs.request(acme, room, bob_phone.reload().membership)
    affairs.decide(acme, granted, alice, approved=True)
    refused = affairs.request(acme, room, bob_phone.reload().membership)
    affairs.decide(acme, refused, alice, approved=False)
    over = affairs.request(acme, room, bob_phone.reload().membership)
    with inside(acme):
        over.status, over.decided_at = "lapsed", clock.now()
        over.save()
    affairs.screenshot(acme, room, graces.device)
    affairs.close(acme, room, alice)
    return sent


def test_the_timeline_tells_everything_newest_first(
    acme: Organisation,
    alice: Membership,
    recall: Room,
    sent: Message,
) -> None:
    answer = get(alice, acme, "room", recall.id)

    moments = [one.at for one in answer.context["page"].rows]
    assert moments == sorted(moments, reverse=True)
    assert sorted(whats(answer)) == sorted(
        [
            "created",
            *["joined", "left"] * 2,
            *["requested"] * 3,
            "approved",
            "denied",
            "lapsed",
            *["message"] * 2,
            "delivered",
            "expired",
            "screenshot",
            "closed",
        ]
    )
    for words in (
        "Grace&#x27;s phone",
        str(sent.message_id),
        "600",
        "Not this quarter.",
        "The recall is over.",
        "lapsed undecided",
        "took a screenshot",
    ):
        assert words in answer.text, words


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("room", {"created", "closed"}),
        ("people", {"joined", "left"}),
        ("requests", {"requested", "approved", "denied", "lapsed"}),
        ("screenshots", {"screenshot"}),
        ("messages", {"message"}),
        ("deliveries", {"delivered", "expired"}),
    ],
)
def test_the_timeline_by_kind(
    acme: Organisation,
    alice: Membership,
    recall: Room,
    sent: Message,
    *,
    kind: str,
    found: set[str],
) -> None:
    assert set(whats(get(alice, acme, "room", recall.id, kind=kind))) == found


@pytest.mark.parametrize(
    ("role", "sees"),
    [(Role.OWNER, True), (Role.AUDITOR, True), (Role.ADMIN, False), (Role.HELPDESK, False)],
)
def test_traffic_is_for_owners_and_auditors(
    acme: Organisation,
    recall: Room,
    sent: Message,
    *,
    role: Role,
    sees: bool,
) -> None:
    reader = cast.signed_in(cast.member(acme, "Rita", role))

    for query in ({}, {"kind": "messages"}, {"kind": "deliveries"}):
        answer = get(reader, acme, "room", recall.id, **query)
        shown = {"message", "delivered", "expired"} & set(whats(answer))
        assert bool(shown) is sees, query
        assert (str(sent.message_id) in answer.text) is sees, query
        assert (answer.context["volume"] is not None) is sees, query


@pytest.mark.parametrize(
    ("strands", "number"),
    [
        (list(Strand), 63),
        ([Strand.DELIVERIES], 30),
        ([Strand.MESSAGES, Strand.PEOPLE], 32),
    ],
)
def test_the_pages_of_a_timeline_are_the_whole_of_it(
    acme: Organisation,
    recall: Room,
    bob_phone: Phone,
    *,
    strands: list[Strand],
    number: int,
) -> None:
    """Late deliveries of old messages stand where they happened; what is at once is not lost."""
    start = ago(days=40)
    for hours in range(30):
        sent = affairs.message(
            acme, bob_phone.device, room=recall, at=start + timedelta(hours=hours)
        )
        with inside(acme):
            Delivery.objects.create(
                organisation_id=acme.id,
                message=sent,
                device=bob_phone.device,
                outcome=Outcome.DELIVERED,
                # Every third waits for its device for four weeks.
                at=sent.accepted_at + timedelta(days=0 if hours % 3 else 28),
            )

    with inside(acme):
        whole = timeline(recall.id, strands=strands, limit=1000).rows
    keys = [(one.at, one.rank, one.id) for one in whole]
    assert keys == sorted(set(keys), reverse=True)
    assert len(whole) == number
    for limit in (1, 4, 7):
        assert walked(acme, recall, strands, limit) == whole


def walked(of: Organisation, room: Room, strands: list[Strand], limit: int) -> list[Happening]:
    found: list[Happening] = []
    cursor: str | None = None
    with inside(of):
        while True:
            page = timeline(room.id, strands=strands, cursor=cursor, limit=limit)
            found += page.rows
            if page.next is None:
                return found
            cursor = page.next


def test_a_room_of_the_organisations_own_counts_its_messages(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    sent = affairs.message(acme, bob_phone.device, room=room, to=(alice_phone.device,))
    affairs.message(acme, bob_phone.device, room=room, to=(alice_phone.device,), at=ago(days=31))

    answer = get(alice, acme, "room", room.id)

    assert set(whats(answer)) == {"created", "joined"}
    assert answer.context["volume"].messages == 1
    assert "1 message, 600" in answer.text
    assert str(sent.message_id) not in answer.text
    assert whats(get(alice, acme, "room", room.id, kind="deliveries")) == whats(answer)


def test_each_side_has_its_table(
    acme: Organisation, alice: Membership, recall: Room, bob: Membership, grace: Membership
) -> None:
    cast.phone(grace)
    left = cast.member(acme, "Lena")
    with inside(acme):
        RoomMembership.objects.create(
            organisation_id=acme.id,
            room=recall,
            membership=left,
            added_by=bob,
            ended_at=clock.now(),
            ended_by=alice,
            end_reason="Moved to another ward.",
        )
    answer = get(alice, acme, "room", recall.id)

    sides = answer.context["roster"]
    assert [one.period.membership.name for one in sides.members.present] == ["Bob"]
    assert [(one.period.membership.name, one.devices) for one in sides.guests.present] == [
        ("Grace", 1)
    ]
    assert [one.period.membership.name for one in sides.former.present] == ["Lena"]
    assert "Guests of Calder Medical" in answer.text
    assert "Moved to another ward." in answer.text
    people = get(alice, acme, "room_people", recall.id)
    assert [one.period.membership.name for one in people.context["presences"]] == ["Bob", "Grace"]
    former = get(alice, acme, "room_people", recall.id, tab="former")
    assert [one.period.membership.name for one in former.context["presences"]] == ["Lena"]


def test_what_waits_for_a_decision_stands_out(
    acme: Organisation, alice: Membership, recall: Room, bob: Membership
) -> None:
    affairs.request(acme, recall, bob, approvals_needed=2)
    answer = get(alice, acme, "room", recall.id)
    assert "Waits for a decision" in answer.text
    assert "0 of 2" in " ".join(answer.text.split())


def test_an_end_that_has_come_is_said_before_the_sweep(
    acme: Organisation, alice: Membership, recall: Room
) -> None:
    with clock.moved_by(timedelta(days=11)):
        answer = get(alice, acme, "room", recall.id)
    assert answer.context["standing"] == "ended"


def test_a_room_of_another_organisation_is_not_found(
    acme: Organisation, globex: Organisation, charlie: Membership, recall: Room
) -> None:
    for name in ("room", "room_people"):
        assert get(charlie, globex, name, recall.id).status_code == 404
        assert get(charlie, globex, name, uuid4()).status_code == 404


def test_a_cursor_of_somewhere_else_is_refused(
    acme: Organisation, alice: Membership, recall: Room
) -> None:
    assert get(alice, acme, "room", recall.id, cursor="x").status_code == 400


def test_hundreds_cost_no_more_statements(
    acme: Organisation, alice: Membership, recall: Room, bob: Membership, bob_phone: Phone
) -> None:
    browser = cast.signed_in(alice)

    def statements() -> int:
        with CaptureQueriesContext(connection) as sent:
            assert get(browser, acme, "room", recall.id).status_code == 200
        return len(sent)

    affairs.request(acme, recall, bob)
    affairs.message(acme, bob_phone.device, room=recall, to=(bob_phone.device,))
    statements()
    few = statements()
    crowd = cast.crowd(acme, 300)
    with inside(acme):
        RoomMembership.objects.bulk_create(
            RoomMembership(organisation_id=acme.id, room=recall, membership=person, added_by=bob)
            for person in crowd
        )
    for number in range(100):
        affairs.message(
            acme,
            bob_phone.device,
            room=recall,
            to=(bob_phone.device,),
            at=ago(minutes=number),
        )
    many = statements()

    assert many == few
    assert many <= MOST_STATEMENTS
