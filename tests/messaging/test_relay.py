"""Sending: the device set, retries, refusals, and what the event commits to."""

import base64
import json
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from audit.models import Content
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import Envelope, Message
from orgs.models import Membership, Organisation
from semafore.local.client.api import ApiProblem
from tests.cast import Phone, events, inside, phone
from tests.messaging import talk


def test_a_message_reaches_every_device_of_the_room_but_the_sending_one(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    tablet = phone(alice, name="Tablet")
    room = talk.group(acme, alice, bob)
    body = talk.message([bob_phone, tablet])

    answer = alice_phone.api.send_message(room.id, body)

    assert answer["skipped"] == []
    with inside(acme):
        waiting = {one.device_id: bytes(one.ciphertext) for one in Envelope.objects.all()}
    assert waiting == {
        UUID(one["device_id"]): base64.b64decode(one["ciphertext"]) for one in body["envelopes"]
    }


def test_missing_extra_and_stale_are_named_together_and_nothing_is_stored(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    tablet = phone(alice, name="Tablet")
    stranger = phone(bob, name="Stranger", approved=False)
    room = talk.group(acme, alice, bob)
    body = talk.message([stranger])
    other = tablet.device.registration_id % 16380 + 1
    body["envelopes"].append(talk.envelope(tablet, registration_id=other))

    with pytest.raises(ApiProblem) as refused:
        alice_phone.api.send_message(room.id, body)

    assert (refused.value.status, refused.value.code) == (409, "device_set_mismatch")
    assert refused.value.body["missing"] == [str(bob_phone.id)]
    assert refused.value.body["extra"] == [str(stranger.id)]
    assert refused.value.body["stale"] == [str(tablet.id)]
    with inside(acme):
        assert not Message.objects.exists()
        assert not Envelope.objects.exists()
    assert events(acme, "message.accepted") == []


def test_a_retry_gets_the_first_receipt_whatever_it_brings(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    message_id = uuid4()
    first = alice_phone.api.send_message(room.id, talk.message([bob_phone], message_id))
    with inside(acme):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)

    again = alice_phone.api.send_message(room.id, talk.message([bob_phone], message_id))

    assert again == first
    assert len(events(acme, "message.accepted")) == 1


def test_the_event_commits_to_the_ciphertexts(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    tablet = phone(alice, name="Tablet")
    room = talk.group(acme, alice, bob)
    body = talk.message([bob_phone, tablet])
    alice_phone.api.send_message(room.id, body)

    (event,) = events(acme, "message.accepted")

    hashes = sorted(
        sha256(base64.b64decode(one["ciphertext"])).digest() for one in body["envelopes"]
    )
    leaves = [sha256(b"\x00" + one).digest() for one in hashes]
    root = sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    assert event["data"]["content_root"] == base64.b64encode(root).decode()
    with inside(acme):
        noted = Content.objects.filter(event_id=event["id"]).values_list("sha256", flat=True)
        assert sorted(bytes(one) for one in noted) == hashes
    assert json.dumps(event).count("ciphertext") == 0
