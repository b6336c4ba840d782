"""Proofs that a message transited: by what they are found, what they say, who may know of them."""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest

from audit import verifier
from audit.logs import log_of
from audit.models import IndexedEvent
from audit.selectors.existence import Asked
from audit.selectors.log_keys import checkpoint_vkeys
from audit.selectors.reading import Reader
from audit.services import existence
from audit.services.existence import Existence, prove_existence
from audit.services.sequencer import sequence
from audit.statements import statement
from messaging.models import Delivery, Envelope, Message
from orgs.models import Membership, Organisation, Role
from orgs.roles import permissions_of
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from semafore.local.client.wire import encode
from tests import cast
from tests.audit.aged import days, swept
from tests.audit.published import announce, publish
from tests.cast import Phone, inside
from tests.messaging import talk


@pytest.fixture(autouse=True)
def keys_announced(acme: Organisation) -> None:
    announce(acme)


def reader(of: Membership) -> Reader:
    return Reader(permissions_of(of.kind, of.role), of.id)


def say(sender: Phone, *to: Phone, texts: list[bytes] | None = None, **more: Any) -> UUID:
    """A message of these ciphertexts in a room of its own; its id."""
    of, message_id = sender.device.organisation, uuid4()
    texts = texts or [secrets.token_bytes(60) for _ in to]
    envelopes = [talk.envelope(one, text) for one, text in zip(to, texts, strict=True)]
    people = [one.device.membership for one in (sender, *to)]
    body = {"message_id": str(message_id), "envelopes": envelopes, **more}
    sender.api.send_message(talk.group(of, *people).id, body)
    return message_id


def read(phone: Phone) -> None:
    """All that waits is acknowledged."""
    ids = [one["envelope_id"] for one in phone.api.mailbox()["envelopes"]]
    phone.api._send("POST", "mailbox/ack", {"envelope_ids": ids})


def prove(by: Membership, **asked: Any) -> Existence:
    with inside(by.organisation):
        return prove_existence(
            asked=Asked(**asked), reader=reader(by), reason="Claim 7", case_reference="HC-7"
        )


def verified(of: Organisation, proof: str, content: bytes | None = None) -> verifier.Report:
    """What the verifier that goes out with evidence says of a proof."""
    given = None if content is None else ("received.bin", sha256(content).digest())
    return verifier.check_proof(proof, checkpoint_vkeys(log_of(of.id)), [], given, None)


# Found by what


def test_a_message_is_proved_by_its_id(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    acme = alice.organisation
    message_id = say(alice_phone, bob_phone)
    publish(acme)

    made = prove(alice, message_id=message_id)

    (one,) = made.proved
    assert made.found == 1
    report = verified(acme, one.transit.proof.text)
    assert report.failed == []
    assert one.transit.event.what is not None
    assert one.transit.event.what["data"]["message_id"] == str(message_id)


def test_a_ciphertext_is_proved_with_its_siblings(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    acme, eve = alice.organisation, cast.phone(cast.member(alice.organisation, "Eve"))
    texts = [secrets.token_bytes(60) for _ in range(2)]
    say(alice_phone, bob_phone, eve, texts=texts)
    publish(acme)

    (one,) = prove(alice, ciphertext_sha256=sha256(texts[1]).digest()).proved

    report = verified(acme, one.transit.proof.text, texts[1])
    assert report.failed == []
    assert any(sha256(texts[1]).hexdigest() in said for said in report.checked)
    assert verified(acme, one.transit.proof.text, texts[0]).failed


def test_a_ciphertext_of_several_messages_is_proved_for_each(
    alice: Membership, alice_phone: Phone, bob_phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = secrets.token_bytes(60)
    sent = [say(alice_phone, bob_phone, texts=[text]) for _ in range(3)]
    publish(alice.organisation)

    made = prove(alice, ciphertext_sha256=sha256(text).digest())

    whats = [one.transit.event.what or {} for one in made.proved]
    assert [what["data"]["message_id"] for what in whats] == [str(one) for one in sent]
    monkeypatch.setattr(existence, "MOST_PROOFS", 2)
    made = prove(alice, ciphertext_sha256=sha256(text).digest())
    assert (len(made.proved), made.found) == (2, 3)


def test_a_broadcast_is_proved_too(alice: Membership, alice_phone: Phone, bob_phone: Phone) -> None:
    sent, text = uuid4(), secrets.token_bytes(60)
    broadcast_id = alice_phone.api._send("POST", "broadcasts")["id"]
    alice_phone.api._send(
        "POST",
        f"broadcasts/{broadcast_id}/envelopes",
        {"message_id": str(sent), "envelopes": [talk.envelope(bob_phone, text)]},
    )
    publish(alice.organisation)

    for asked in ({"message_id": sent}, {"ciphertext_sha256": sha256(text).digest()}):
        (one,) = prove(alice, **asked).proved
        assert verified(alice.organisation, one.transit.proof.text).failed == []


def test_an_acknowledgement_is_not_a_message(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    acme, message_id = alice.organisation, uuid4()
    room = talk.external(acme, alice, bob_phone.device.membership)
    alice_phone.api.send_message(room.id, talk.message([bob_phone], message_id))
    read(bob_phone)
    publish(acme)
    with inside(acme):
        types = set(
            IndexedEvent.objects.filter(message_id=message_id).values_list("type", flat=True)
        )
    assert types == {"message.accepted", "message.delivered"}

    assert prove(alice, message_id=message_id).found == 1


def test_before_a_checkpoint_it_is_found_and_not_proved(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    acme, text = alice.organisation, secrets.token_bytes(60)
    publish(acme)
    message_id = say(alice_phone, bob_phone, texts=[text])
    questions = ({"message_id": message_id}, {"ciphertext_sha256": sha256(text).digest()})

    searched = len(cast.events(acme, "audit.searched"))
    for ready in (lambda: None, lambda: sequence(log_of(acme.id))):
        ready()
        for asked in questions:
            made = prove(alice, **asked)
            assert (made.proved, made.found) == ([], 1)
    publish(acme)
    with inside(acme):
        looks = IndexedEvent.objects.filter(type="audit.searched").order_by("seq")[searched:]
        assert [row.subject_id for row in looks] == [alice.id] * 4
    for asked in questions:
        assert len(prove(alice, **asked).proved) == 1


def test_somebody_elses_message_is_nobodys(
    alice: Membership, alice_phone: Phone, bob_phone: Phone, charlie: Membership
) -> None:
    text = secrets.token_bytes(60)
    message_id = say(alice_phone, bob_phone, texts=[text])

    for _ in range(2):
        for asked in (
            {"message_id": message_id},
            {"message_id": uuid4()},
            {"ciphertext_sha256": sha256(text).digest()},
            {"ciphertext_sha256": bytes(32)},
        ):
            assert prove(charlie, **asked) == Existence([], 0)
        publish(alice.organisation)
        publish(charlie.organisation)


# What it says


def test_the_statement_says_who_sent_what_when(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    text, commitment = secrets.token_bytes(60), secrets.token_bytes(32)
    message_id = say(alice_phone, bob_phone, texts=[text], commitment=encode(commitment))
    publish(alice.organisation)
    (one,) = prove(alice, ciphertext_sha256=sha256(text).digest()).proved

    said = statement(one.transit).as_text()

    for word in (
        str(message_id),
        sha256(text).hexdigest(),
        commitment.hex(),
        f"Alice, Phone ({alice_phone.id})",
        "Ward 7",
        one.transit.checkpoint.origin,
        "Bytes in all: 60",
    ):
        assert word in said
    assert "retention" not in said
    assert max(map(len, said.splitlines())) < 150


def test_when_the_people_are_forgotten_it_says_so_and_still_proves(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    acme, text = alice.organisation, secrets.token_bytes(60)
    message_id = say(alice_phone, bob_phone, texts=[text])
    read(bob_phone)
    publish(acme)
    days(acme, 10, 2555, 60)
    with clock.moved_by(timedelta(days=20)):
        began = clock.now()
        swept(acme)
        ended = clock.now()
        publish(acme)
        with inside(acme):
            left = [model.objects.exists() for model in (Message, Envelope, Delivery)]
        assert left == [False, False, False]
        by_id, by_hash = (
            prove(alice, **asked).proved
            for asked in (
                {"message_id": message_id},
                {"ciphertext_sha256": sha256(text).digest()},
            )
        )
    for (one,) in (by_id, by_hash):
        assert verified(acme, one.transit.proof.text).failed == []
        said = " ".join(statement(one.transit).as_text().split())
        assert "Who sent the message" in said
        # Midnight may pass in a sweep.
        assert any(f" on {one:%Y-%m-%d}" in said for one in (began, ended))
        assert "Alice" not in said
        assert str(alice_phone.id) not in said
    with clock.moved_by(timedelta(days=70)):
        swept(acme)
        assert prove(alice, message_id=message_id) == Existence([], 0)
        assert prove(alice, ciphertext_sha256=sha256(text).digest()) == Existence([], 0)


# Who may know of it


def test_a_proof_is_an_event_about_the_sender(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    text = secrets.token_bytes(60)
    message_id = say(bob_phone, alice_phone, texts=[text])
    publish(alice.organisation)

    (one,) = prove(alice, ciphertext_sha256=sha256(text).digest()).proved

    (what,) = cast.events(alice, "audit.existence_proved")
    assert what["id"] == str(one.record_id)
    assert what["data"] == {
        "event_id": str(one.transit.event.id),
        "message_id": str(message_id),
        "ciphertext_sha256": encode(sha256(text).digest()),
        "reason": "Claim 7",
        "case_reference": "HC-7",
    }
    publish(alice.organisation)
    with inside(alice.organisation):
        row = IndexedEvent.objects.get(event_id=one.record_id)
    assert row.subject_id == bob_phone.device.membership_id


def test_what_finds_nothing_is_a_search(alice: Membership) -> None:
    wanted = uuid4()
    prove(alice, message_id=wanted)
    prove(alice, ciphertext_sha256=bytes(32))

    by_id, by_hash = cast.events(alice, "audit.searched")
    assert by_id["data"]["filters"] == {"message": str(wanted)}
    assert by_hash["data"]["filters"] == {"ciphertext_sha256": encode(bytes(32))}
    assert cast.events(alice, "audit.existence_proved") == []


def test_the_sender_finds_no_proof_about_them_whatever_their_role(
    acme: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    hana = cast.member(acme, "Hana", Role.AUDITOR)
    message_id = say(cast.phone(hana), alice_phone)
    publish(acme)
    (one,) = prove(alice, message_id=message_id).proved
    publish(acme)

    with inside(acme):
        taken = existence.view_proof(record_id=one.record_id, reader=reader(alice))
        assert taken.transit is not None
        assert len(existence.list_proofs(reader=reader(alice), cursor=None).lines) == 1
        with pytest.raises(NotFound):
            existence.view_proof(record_id=one.record_id, reader=reader(hana))
        assert existence.list_proofs(reader=reader(hana), cursor=None).lines == []
    publish(acme)
    with inside(acme):
        looks = IndexedEvent.objects.filter(type="audit.viewed", target_id=one.record_id)
        assert [row.subject_id for row in looks] == [hana.id]


def test_only_a_proof_is_taken_again(
    alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    message_id = say(alice_phone, bob_phone)
    publish(alice.organisation)
    (one,) = prove(alice, message_id=message_id).proved
    with inside(alice.organisation):
        for event_id in (one.transit.event.id, uuid4()):
            with pytest.raises(NotFound):
                existence.view_proof(record_id=event_id, reader=reader(alice))


# The search


def test_a_minute_lists_its_messages_and_who_sent_them(
    alice: Membership, alice_phone: Phone, bob_phone: Phone, charlie: Membership
) -> None:
    acme, bob = alice.organisation, bob_phone.device.membership
    now = clock.now().replace(second=0, microsecond=0)
    sent = {}
    for minutes in (-1, 0, 1):
        with clock.moved_by(now - clock.now() + timedelta(minutes=minutes, seconds=30)):
            sent[minutes] = say(alice_phone, bob_phone), say(bob_phone, alice_phone)
    publish(acme)
    publish(charlie.organisation)

    def found(by: Membership, **chosen: Any) -> list[UUID]:
        with inside(by.organisation):
            page = existence.search_messages(
                **{"minute": now, "sender": None, "room": None, "cursor": None, **chosen},
                reader=reader(by),
            )
        for line in page.lines:
            assert line.row.message_id is not None
        assert {*page.senders.values()} <= {"Alice, Phone", "Bob, Phone"}
        return [line.row.message_id for line in page.lines if line.row.message_id]

    assert found(alice) == list(sent[0])
    assert found(alice, minute=now + timedelta(minutes=1)) == list(sent[1])
    assert found(alice, sender=bob.id) == [sent[0][1]]
    assert found(alice, sender=uuid4()) == []
    assert found(charlie) == []
    with inside(acme):
        room_id = IndexedEvent.objects.get(message_id=sent[0][0]).room_id
    assert found(alice, room=room_id) == [sent[0][0]]
    assert found(alice, room=room_id, sender=bob.id) == []
    publish(acme)
    with inside(acme):
        looks = IndexedEvent.objects.filter(type="audit.searched").order_by("seq")
        assert [row.subject_id for row in looks][2] == bob.id


def test_neither_both_nor_none_is_a_question() -> None:
    for asked in ((None, None), (uuid4(), bytes(32))):
        with pytest.raises(ValueError, match="either"):
            Asked(*asked)
