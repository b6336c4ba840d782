"""Envelopes out, acknowledgements in: what waits, what is under way, and in which order."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from messaging.models import Delivery, Envelope, Outcome, Room, RoomKind
from messaging.services.mailbox import FRONT, HANDFUL, IN_FLIGHT_MAX, PATIENCE
from orgs.models import ExternalParty, Membership, Organisation
from realtime.models import Connection
from realtime.services import leave_place
from semafore.kernel import clock
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, events, inside
from tests.messaging import post, talk


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    return talk.group(acme, alice, bob)


def fill(sender: Phone, room: Room, to: Phone, count: int) -> list[bytes]:
    """So many messages; what they carry, in order."""
    said = [b"ciphertext %d" % number for number in range(count)]
    for ciphertext in said:
        post.say(sender, room, [to], ciphertext)
    return said


def test_the_oldest_come_first_until_they_are_acknowledged(
    room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    body = talk.message([bob_phone])
    alice_phone.api.send_message(room.id, body)
    fill(alice_phone, room, bob_phone, 2)

    first = post.mailbox(bob_phone, limit=2)

    assert first["more"] is True
    assert first == post.mailbox(bob_phone, limit=2)
    one, two = first["envelopes"]
    (sent,) = body["envelopes"]
    assert one == {
        "envelope_id": one["envelope_id"],
        "message_id": body["message_id"],
        "room_id": str(room.id),
        "sender_device_id": str(alice_phone.id),
        "suite": "x3dh-25519",
        "envelope_type": "message",
        "ciphertext": sent["ciphertext"],
        "accepted_at": one["accepted_at"],
    }
    assert post.ack(bob_phone, [one["envelope_id"], two["envelope_id"]]) == 2
    rest = post.mailbox(bob_phone)
    assert len(rest["envelopes"]) == 1
    assert rest["more"] is False
    assert post.ack(bob_phone, [rest["envelopes"][0]["envelope_id"]]) == 1
    assert post.mailbox(bob_phone) == {"envelopes": [], "more": False}


def test_an_acknowledgement_may_be_repeated_and_reaches_the_own_mailbox_only(
    room: Room, bob: Membership, alice_phone: Phone, bob_phone: Phone, charlie_phone: Phone
) -> None:
    tablet = cast.phone(bob, name="Tablet")
    post.say(alice_phone, room, [bob_phone, tablet], b"ciphertext")
    (one,) = post.mailbox(bob_phone)["envelopes"]
    ids = [one["envelope_id"], one["envelope_id"], str(uuid4())]

    for other in (tablet, alice_phone, charlie_phone):
        assert post.ack(other, ids) == 0
    assert post.ack(bob_phone, ids) == 1
    assert post.ack(bob_phone, ids) == 0

    with post.inside(bob_phone):
        assert Envelope.objects.get().device_id == tablet.id
        row = Delivery.objects.get()
    assert (row.device_id, row.outcome) == (bob_phone.id, Outcome.DELIVERED)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"envelope_ids": []}, 200),
        ({"envelope_ids": [str(uuid4())] * 256}, 200),
        ({"envelope_ids": [str(uuid4())] * 257}, 422),
        ({"envelope_ids": ["x"]}, 422),
        ({"envelope_ids": "x"}, 422),
        ({}, 422),
        ({"envelope_ids": [], "device_id": str(uuid4())}, 422),
    ],
)
def test_an_acknowledgement_names_at_most_256(
    bob_phone: Phone, body: dict[str, object], status: int
) -> None:
    try:
        assert bob_phone.api._send("POST", "mailbox/ack", body) == {"acknowledged": 0}
        answered = 200
    except ApiProblem as problem:
        answered = problem.status
    assert answered == status


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 257}, {"limit": "x"}, {"from": 1}])
def test_a_limit_is_1_to_256(bob_phone: Phone, query: dict[str, object]) -> None:
    assert post.mailbox(bob_phone, limit=256)["envelopes"] == []
    with pytest.raises(ApiProblem) as refused:
        post.mailbox(bob_phone, **query)
    assert refused.value.status == 422


def test_what_is_under_way_on_an_open_socket_is_not_given_by_rest(
    room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    fill(alice_phone, room, bob_phone, 2)
    serial = post.connect(bob_phone)
    assert post.taken(bob_phone, serial, handful=1) == [b"ciphertext 0"]

    assert post.taken(bob_phone, None) == [b"ciphertext 1"]
    # Nothing is noted as under way by that.
    assert post.taken(bob_phone, serial) == [b"ciphertext 1"]
    assert post.taken(bob_phone, None) == []
    with post.inside(bob_phone):
        leave_place(device_id=bob_phone.id, serial=serial)
    assert post.taken(bob_phone, None) == [b"ciphertext 0", b"ciphertext 1"]


def test_a_socket_whose_process_died_keeps_nothing_from_rest(
    room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    fill(alice_phone, room, bob_phone, 1)
    post.taken(bob_phone, post.connect(bob_phone))
    assert post.taken(bob_phone, None) == []
    with post.inside(bob_phone):
        Connection.objects.update(last_seen=clock.now() - timedelta(hours=1))
    assert post.taken(bob_phone, None) == [b"ciphertext 0"]


def test_a_newer_connection_gets_it_all_again_and_an_older_one_nothing_of_that(
    room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    said = fill(alice_phone, room, bob_phone, 3)
    older = post.connect(bob_phone)
    assert post.taken(bob_phone, older, handful=2) == said[:2]
    newer = post.connect(bob_phone)
    assert post.taken(bob_phone, newer) == said
    # A look of the older one, still under way in another process.
    assert post.taken(bob_phone, older) == []
    assert post.taken(bob_phone, newer) == []


def test_at_most_256_are_under_way_and_acks_make_room(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    post.say(alice_phone, room, [bob_phone], b"ciphertext")
    copy_envelope(acme, IN_FLIGHT_MAX + 40)
    serial = post.connect(bob_phone)
    got = []
    while ids := post.taken_ids(bob_phone, serial):
        assert len(ids) <= HANDFUL
        got += ids
    assert len(got) == len(set(got)) == IN_FLIGHT_MAX
    assert post.acknowledged(bob_phone, got[:10]) == 10
    assert len(post.taken_ids(bob_phone, serial)) == 10


def copy_envelope(of: Organisation, count: int) -> None:
    """As many messages as that wait, like the one that does, each with its envelope."""
    with inside(of), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH copies AS (
                INSERT INTO messaging_message (id, organisation_id, message_id, room_id, sender_id,
                    sender_device_id, accepted_at, envelopes, size, skipped, event_id, receipt)
                SELECT gen_random_uuid(), organisation_id, gen_random_uuid(), room_id, sender_id,
                    sender_device_id, accepted_at, 1, size, skipped, event_id, receipt
                FROM messaging_message, generate_series(1, %s) RETURNING id
            ) SELECT array_agg(id) FROM copies
            """,
            [count],
        )
        (ids,) = cursor.fetchone()
        cursor.execute(
            """
            INSERT INTO messaging_envelope (envelope_id, organisation_id, device_id, message_id,
                suite, type, ciphertext, attempts)
            SELECT gen_random_uuid(), organisation_id, device_id, one, suite, type, ciphertext, 0
            FROM messaging_envelope, unnest(%s::uuid[]) AS one
            """,
            [ids],
        )


def test_an_envelope_that_was_delivered_five_times_goes_last(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    said = fill(alice_phone, room, bob_phone, 3)
    for _ in range(PATIENCE):
        assert post.taken(bob_phone, post.connect(bob_phone), handful=1) == said[:1]
    serial = post.connect(bob_phone)
    assert post.taken(bob_phone, serial, handful=1) == [said[1]]
    assert post.taken(bob_phone, serial) == [said[2], said[0]]


def test_what_goes_last_goes_behind_more_than_a_look_sees(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    post.say(alice_phone, room, [bob_phone], b"ciphertext")
    with inside(acme):
        (poison,) = Envelope.objects.values_list("envelope_id", flat=True)
    copy_envelope(acme, 2 * FRONT)
    with inside(acme):
        Envelope.objects.filter(envelope_id=poison).update(attempts=PATIENCE)
    serial = post.connect(bob_phone)
    got = []
    while ids := post.taken_ids(bob_phone, serial):
        got += ids
        post.acknowledged(bob_phone, ids)
    assert len(got) == 2 * FRONT + 1
    assert got[-1] == poison


def test_a_look_takes_a_mebibyte_at_most_and_at_least_one(
    room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    large = b"x" * settings.ENVELOPE_MAX_BYTES
    for _ in range(12):
        post.say(alice_phone, room, [bob_phone], large)
    serial = post.connect(bob_phone)
    assert len(post.taken(bob_phone, serial)) == 10
    assert len(post.taken(bob_phone, serial)) == 2
    assert post.mailbox(bob_phone)["envelopes"] == []
    with post.inside(bob_phone):
        leave_place(device_id=bob_phone.id, serial=serial)
    answer = post.mailbox(bob_phone, limit=256)
    assert (len(answer["envelopes"]), answer["more"]) == (10, True)


def test_taking_is_one_statement(
    room: Room,
    alice_phone: Phone,
    bob_phone: Phone,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    fill(alice_phone, room, bob_phone, 3)
    serial = post.connect(bob_phone)
    with django_assert_num_queries(1):
        post.taken(bob_phone, serial)


def test_deliveries_of_an_external_room_are_events_of_the_device(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    inner = talk.group(acme, alice, bob)
    outer = external(acme, inner)
    said = uuid4()
    post.say(alice_phone, inner, [bob_phone], b"inner")
    post.say(alice_phone, outer, [bob_phone], b"outer", message_id=said)
    post.ack(bob_phone, [one["envelope_id"] for one in post.mailbox(bob_phone)["envelopes"]])
    (event,) = events(acme, "message.delivered")
    assert event["data"] == {"message_id": str(said)}


def external(of: Organisation, like: Room) -> Room:
    """An external room of the same people."""
    with inside(of):
        room = Room.objects.create(
            organisation_id=of.id,
            kind=RoomKind.EXTERNAL,
            name="Audit",
            purpose="Audit",
            party=ExternalParty.objects.create(organisation_id=of.id, name="Initech"),
            closes_at=clock.now() + timedelta(days=1),
        )
        for period in list(like.memberships.all()):
            period.id, period.room, period._state.adding = uuid4(), room, True
            period.save(force_insert=True)
    return room
