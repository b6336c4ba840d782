"""Sending: the device set, retries, refusals, and what the event commits to."""

import base64
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import merkle
from audit.models import Content, Event
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import Envelope, Message, Notice, NoticeKind, Room, Skip
from orgs.models import Membership, Organisation
from orgs.services.ends import change_end
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.wire import encode
from tests import cast
from tests.audit.test_merkle import climb, tree_hash
from tests.cast import Phone, events, inside, phone
from tests.messaging import talk


@pytest.fixture
def ward(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    """A group room of Alice and Bob."""
    return talk.group(acme, alice, bob)


def test_a_message_reaches_every_device_of_the_room_but_the_sending_one(
    ward: Room, acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    tablet = phone(alice, name="Tablet")
    body = talk.message([bob_phone, tablet])

    answer = alice_phone.api.send_message(ward.id, body)

    assert answer["skipped"] == []
    with inside(acme):
        waiting = {one.device_id: bytes(one.ciphertext) for one in Envelope.objects.all()}
    assert waiting == {
        UUID(one["device_id"]): base64.b64decode(one["ciphertext"]) for one in body["envelopes"]
    }


def test_missing_extra_and_stale_are_named_together_and_nothing_is_stored(
    *,
    ward: Room,
    acme: Organisation,
    alice: Membership,
    bob: Membership,
    alice_phone: Phone,
    bob_phone: Phone,
) -> None:
    tablet = phone(alice, name="Tablet")
    stranger = phone(bob, name="Stranger", approved=False)
    body = talk.message([stranger])
    other = tablet.device.registration_id % 16380 + 1
    body["envelopes"].append(talk.envelope(tablet, registration_id=other))

    with pytest.raises(ApiProblem) as refused:
        alice_phone.api.send_message(ward.id, body)

    assert (refused.value.status, refused.value.code) == (409, "device_set_mismatch")
    assert refused.value.body["missing"] == [str(bob_phone.id)]
    assert refused.value.body["extra"] == [str(stranger.id)]
    assert refused.value.body["stale"] == [str(tablet.id)]
    with inside(acme):
        assert not Message.objects.exists()
        assert not Envelope.objects.exists()
    assert events(acme, "message.accepted") == []


def test_a_retry_gets_the_first_receipt_whatever_it_brings(
    ward: Room, acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    message_id = uuid4()
    first = alice_phone.api.send_message(ward.id, talk.message([bob_phone], message_id))
    with inside(acme):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)

    again = alice_phone.api.send_message(ward.id, talk.message([bob_phone], message_id))

    assert again == first
    assert len(events(acme, "message.accepted")) == 1


def test_the_event_commits_to_the_ciphertexts_and_each_can_be_proved(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    others = [phone(bob, name=f"Tablet {number}") for number in range(4)]
    room = talk.group(acme, alice, bob)
    body = talk.message([bob_phone, *others])
    alice_phone.api.send_message(room.id, body)

    (event,) = events(acme, "message.accepted")

    root = base64.b64decode(event["data"]["content_root"])
    sent = [base64.b64decode(one["ciphertext"]) for one in body["envelopes"]]
    hashes = sorted(sha256(one).digest() for one in sent)
    assert root == tree_hash(hashes)
    with inside(acme):
        found = Content.objects.get(sha256=sha256(sent[2]).digest())
        beside = Content.objects.filter(event_id=found.event_id).values_list("sha256", flat=True)
        siblings = sorted(bytes(one) for one in beside)
    assert str(found.event_id) == event["id"]
    assert siblings == hashes
    index = siblings.index(bytes(found.sha256))
    path = merkle.path(siblings, index)
    assert climb(bytes(found.sha256), index, len(siblings), path) == root
    assert json.dumps(event).count("ciphertext") == 0


def test_the_recipients_are_committed_to_beside_the_people(
    ward: Room, acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    body = talk.message([bob_phone])
    alice_phone.api.send_message(ward.id, body)

    (event,) = events(acme, "message.accepted")

    with inside(acme):
        who = json.loads(bytes(Event.objects.get(id=event["id"]).who or b""))
    ciphertext = base64.b64decode(body["envelopes"][0]["ciphertext"])
    only = bob_phone.id.bytes + sha256(ciphertext).digest()
    assert base64.b64decode(who["recipients_root"]) == tree_hash([only])
    assert who["room"] == {"kind": "room", "id": str(ward.id), "label": ward.name}
    assert str(bob_phone.id) not in json.dumps(event)


def refusal(sender: Phone, room_id: UUID, body: dict[str, Any]) -> ApiProblem:
    """The problem that sending this meets; nothing is stored by it."""
    with organisation_scope(sender.device.organisation_id):
        before = Message.objects.count(), Envelope.objects.count(), Content.objects.count()
    with pytest.raises(ApiProblem) as refused:
        sender.api.send_message(room_id, body)
    with organisation_scope(sender.device.organisation_id):
        after = Message.objects.count(), Envelope.objects.count(), Content.objects.count()
    assert before == after
    return refused.value


def test_a_message_id_of_another_device_is_taken(
    ward: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    message_id = uuid4()
    alice_phone.api.send_message(ward.id, talk.message([bob_phone], message_id))

    problem = refusal(bob_phone, ward.id, talk.message([alice_phone], message_id))

    assert (problem.status, problem.code) == (409, "message_id_conflict")


def test_another_organisation_may_use_the_same_message_id(
    *,
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    bob: Membership,
    charlie: Membership,
    alice_phone: Phone,
    bob_phone: Phone,
    charlie_phone: Phone,
) -> None:
    here, there = talk.group(acme, alice, bob), talk.group(globex, charlie)
    message_id = uuid4()
    alice_phone.api.send_message(here.id, talk.message([bob_phone], message_id))

    assert charlie_phone.api.send_message(there.id, talk.message([], message_id))["receipt"]


def test_a_room_of_others_is_as_one_that_is_not_there(
    acme: Organisation, alice: Membership, bob_phone: Phone, charlie_phone: Phone
) -> None:
    room = talk.group(acme, alice)

    of_others = refusal(bob_phone, room.id, talk.message([]))
    elsewhere = refusal(charlie_phone, room.id, talk.message([]))
    nowhere = refusal(bob_phone, uuid4(), talk.message([]))

    said = [dict(one.body, request_id=None) for one in (of_others, elsewhere, nowhere)]
    assert said[0] == said[1] == said[2]
    assert nowhere.status == 404


def test_from_its_end_on_a_room_takes_no_message_swept_or_not(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    room = talk.external(acme, alice, bob, closes_in=timedelta(hours=1))
    message_id = uuid4()
    with clock.moved_by(timedelta(minutes=59)):
        first = alice_phone.api.send_message(room.id, talk.message([bob_phone], message_id))
    with clock.moved_by(timedelta(hours=1)):
        problem = refusal(alice_phone, room.id, talk.message([bob_phone]))
        # A retry of what was accepted is no new message.
        again = alice_phone.api.send_message(room.id, talk.message([bob_phone], message_id))

    assert (problem.status, problem.code) == (410, "room_closed")
    assert again == first


def test_who_is_suspended_or_past_their_end_gets_no_envelope(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    carol = cast.member(acme, "Carol")
    carols = phone(carol)
    room = talk.group(acme, alice, bob, carol)
    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="On leave")
        change_end(membership_id=carol.id, ends_at=clock.now() + timedelta(hours=1))
    with clock.moved_by(timedelta(hours=2)):
        alice_phone.api.token(renew=True)
        problem = refusal(alice_phone, room.id, talk.message([bob_phone, carols]))
        alice_phone.api.send_message(room.id, talk.message([]))

    assert problem.body["extra"] == sorted([str(bob_phone.id), str(carols.id)])


def test_a_device_with_an_expired_key_may_be_left_out_and_learns_of_it(
    ward: Room, acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    with clock.moved_by(timedelta(hours=169)):
        alice_phone.api.token(renew=True)
        without = [alice_phone.api.send_message(ward.id, talk.message([])) for _ in range(2)]
        within = alice_phone.api.send_message(ward.id, talk.message([bob_phone]))

    assert [answer["skipped"] for answer in without] == [[str(bob_phone.id)]] * 2
    assert within["skipped"] == []
    with inside(acme):
        notice = Notice.objects.get()
        skip = Skip.objects.get()
    assert (notice.device_id, notice.kind, notice.room_id) == (
        bob_phone.id,
        NoticeKind.MISSED,
        ward.id,
    )
    assert notice.count == 2
    assert (skip.device_id, skip.sender_device_id) == (bob_phone.id, alice_phone.id)
    skipped = [event["data"]["skipped"] for event in events(acme, "message.accepted")]
    assert skipped == [1, 1, 0]


def test_too_many_messages_a_minute(
    ward: Room, settings: Any, alice_phone: Phone, bob_phone: Phone
) -> None:
    settings.MESSAGES_PER_DEVICE_PER_MINUTE = 3
    for _ in range(3):
        alice_phone.api.send_message(ward.id, talk.message([bob_phone]))

    problem = refusal(alice_phone, ward.id, talk.message([bob_phone]))
    bob_phone.api.send_message(ward.id, talk.message([alice_phone]))
    with clock.moved_by(timedelta(seconds=61)):
        alice_phone.api.send_message(ward.id, talk.message([bob_phone]))

    assert (problem.status, problem.code) == (429, "message_limit")
    assert int(problem.body["retry_after"]) > 0


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"ciphertext": ""}, 422, "empty", "envelopes[0].ciphertext"),
        ({"ciphertext": "AB=="}, 422, "not_base64", "envelopes[0].ciphertext"),
        ({"ciphertext": encode(bytes(96 * 1024 + 1))}, 413, "envelope_too_large", None),
        ({"registration_id": 0}, 422, "min_value", "envelopes[0].registration_id"),
        ({"registration_id": "7"}, 422, "invalid", "envelopes[0].registration_id"),
        ({"suite": "rot13"}, 422, "invalid_choice", "envelopes[0].suite"),
        ({"type": "letter"}, 422, "invalid_choice", "envelopes[0].type"),
        ({"device_id": "me"}, 422, "invalid", "envelopes[0].device_id"),
        ({"urgent": True}, 422, "unknown_field", "envelopes[0].urgent"),
    ],
)
def test_each_fault_of_an_envelope_is_named(
    *,
    ward: Room,
    alice_phone: Phone,
    bob_phone: Phone,
    change: dict[str, Any],
    status: int,
    code: str,
    field: str | None,
) -> None:
    body = talk.message([]) | {"envelopes": [talk.envelope(bob_phone) | change]}

    problem = refusal(alice_phone, ward.id, body)

    assert problem.status == status
    if field is None:
        assert problem.code == code
    else:
        assert [(one["field"], one["code"]) for one in problem.body["errors"]] == [(field, code)]


def test_a_ciphertext_of_96_kib_passes(
    ward: Room, acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    ciphertext = bytes(96 * 1024)
    body = talk.message([]) | {"envelopes": [talk.envelope(bob_phone, ciphertext)]}

    alice_phone.api.send_message(ward.id, body)

    with inside(acme):
        assert bytes(Envelope.objects.get().ciphertext) == ciphertext


def test_a_device_named_twice_is_refused(ward: Room, alice_phone: Phone, bob_phone: Phone) -> None:

    problem = refusal(alice_phone, ward.id, talk.message([bob_phone, bob_phone]))

    assert [one["code"] for one in problem.body["errors"]] == ["device_twice"]


def test_a_message_takes_as_many_statements_whatever_its_room(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    def statements(room_id: UUID, to: list[Phone]) -> int:
        alice_phone.api.send_message(room_id, talk.message(to))
        with CaptureQueriesContext(connection) as captured:
            alice_phone.api.send_message(room_id, talk.message(to))
        return len(captured)

    small = talk.group(acme, alice, bob)
    devices = [phone(cast.member(acme, f"Person {number}")) for number in range(12)]
    with inside(acme):
        people = [device.reload().membership for device in devices]
    large = talk.group(acme, alice, *people)

    assert statements(small.id, [bob_phone]) == statements(large.id, devices) <= 10
