"""`GET messages/{id}/proof`: what a sender can show of a message, and nobody else."""

import base64
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.verifier import Proved, open_receipt, verify_proof
from messaging.models import Room
from orgs.models import Membership, Organisation
from semafore.local.client.wire import decode, encode
from tests import cast
from tests.cast import Phone
from tests.keys.logs import published
from tests.messaging import talk
from tests.messaging.calls import get, guest, post, refused


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    """Alice's and Bob's."""
    return talk.group(acme, alice, bob)


def proved(sender: Phone, message_id: str, content: bytes | None = None) -> Proved:
    """The proof, verified by what the sender gets of the log."""
    text = sender.api.message_proof(UUID(message_id), ciphertext_sha256=content)
    assert text is not None
    return verify_proof(text, sender.api.log()["vkeys"])


def test_the_sender_proves_the_message_and_holds_its_receipt_against_it(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone, room: Room, alice: Membership
) -> None:
    body = talk.message([bob_phone])
    answer = alice_phone.api.send_message(room.id, body)
    assert alice_phone.api.message_proof(UUID(body["message_id"])) is None

    published(acme)
    found = proved(alice_phone, body["message_id"])

    assert found.what is not None
    assert found.who is not None
    assert found.what["type"] == "message.accepted"
    assert found.what["data"]["message_id"] == body["message_id"]
    assert found.who["actor"]["member"] == str(alice.id)
    receipt = open_receipt(answer["receipt"], alice_phone.api.log()["receipt_vkeys"])
    assert receipt.leaf == found.leaf
    assert receipt.origin == found.checkpoint.origin


def test_each_ciphertext_is_proved_to_be_the_messages(
    acme: Organisation, bob: Membership, alice_phone: Phone, bob_phone: Phone, room: Room
) -> None:
    phones = [bob_phone, *(cast.phone(bob, name=f"Tablet {count}") for count in range(4))]
    body = talk.message(phones)
    alice_phone.api.send_message(room.id, body)
    published(acme)

    digests = [sha256(decode(one["ciphertext"])).digest() for one in body["envelopes"]]
    for digest in digests:
        assert proved(alice_phone, body["message_id"], digest).content == digest
    spelt = base64.urlsafe_b64encode(digests[0]).decode().rstrip("=")
    path = f"messages/{body['message_id']}/proof?ciphertext_sha256={spelt}"
    text = alice_phone.api._answer("GET", path).text
    assert verify_proof(text, alice_phone.api.log()["vkeys"]).content == digests[0]


def test_a_ciphertext_of_another_message_is_not_found(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone, room: Room
) -> None:
    first, second = talk.message([bob_phone]), talk.message([bob_phone])
    for body in (first, second):
        alice_phone.api.send_message(room.id, body)
    published(acme)
    digest = sha256(decode(first["envelopes"][0]["ciphertext"])).digest()
    with refused(404, "not_found"):
        proved(alice_phone, second["message_id"], digest)
    proved(alice_phone, first["message_id"], digest)


@pytest.mark.parametrize("hash_", ["", "00", "g" * 64, "A" * 42 + "B", "A" * 43 + "=", "0" * 65])
def test_a_hash_is_spelt_in_one_of_two_ways(
    alice_phone: Phone, bob_phone: Phone, room: Room, hash_: str
) -> None:
    body = talk.message([bob_phone])
    alice_phone.api.send_message(room.id, body)
    with refused(422, "invalid") as problems:
        get(alice_phone, f"messages/{body['message_id']}/proof?ciphertext_sha256={hash_}")
    assert [error["field"] for error in problems[0].body["errors"]] == ["ciphertext_sha256"]


@pytest.fixture
def gus_phone(acme: Organisation, alice: Membership) -> Phone:
    """A guest's."""
    return cast.phone(guest(acme, alice))


def test_nobody_else_gets_it(
    room: Room, alice_phone: Phone, bob_phone: Phone, charlie_phone: Phone, gus_phone: Phone
) -> None:
    body = talk.message([bob_phone])
    alice_phone.api.send_message(room.id, body)
    published(room.organisation)
    published(charlie_phone.device.organisation)

    for phone in (bob_phone, charlie_phone, gus_phone):
        with refused(404, "not_found") as hidden:
            phone.api.message_proof(UUID(body["message_id"]))
        with refused(404, "not_found") as unknown:
            phone.api.message_proof(uuid4())
        bodies = [{**one.body, "request_id": ""} for one in (hidden[0], unknown[0])]
        assert bodies[0] == bodies[1]
    # Another device of the sender's is the sender.
    proved(cast.phone(alice_phone.device.membership, name="Tablet"), body["message_id"])


def test_a_part_of_a_broadcast_is_proved_like_a_message(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    broadcast = post(alice_phone, "broadcasts", {})
    body = talk.message([bob_phone])
    alice_phone.api.send_part(UUID(broadcast["id"]), body)
    published(acme)

    digest = sha256(decode(body["envelopes"][0]["ciphertext"])).digest()
    found = proved(alice_phone, body["message_id"], digest)
    assert found.what is not None
    assert found.what["type"] == "broadcast.accepted"
    assert found.what["data"]["content_root"] == encode(sha256(b"\0" + digest).digest())


def test_a_proof_costs_seven_statements_and_one_more_with_a_ciphertext(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone, room: Room
) -> None:
    body = talk.message([bob_phone])
    alice_phone.api.send_message(room.id, body)
    published(acme)
    digest = sha256(decode(body["envelopes"][0]["ciphertext"])).digest()
    counts = []
    for content in (None, digest):
        with CaptureQueriesContext(connection) as queries:
            alice_phone.api.message_proof(UUID(body["message_id"]), ciphertext_sha256=content)
        counts.append(len(queries))
    # Token; periods; message; log; entry and event; checkpoint; tiles.
    assert counts == [7, 8]
