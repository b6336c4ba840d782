"""Proofs of events: what they open, what they keep back, and what retention leaves of them."""

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from proofbundle import verify_consistency, verify_inclusion

from audit.logs import PLATFORM_LOG, log_of
from audit.models import Entry, Event
from audit.selectors.proofs import EventProof, PartName, consistency, event_proof, events_of_content
from audit.selectors.tree import tree_head
from audit.services.recording import record_platform
from audit.services.sequencer import sequence
from orgs.events.people import AccountCreated
from orgs.models import Membership, Organisation
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.published import publish
from tests.audit.reading import accepted, read
from tests.cast import Phone
from tests.messaging import talk

BOTH: frozenset[PartName] = frozenset({"who", "what"})


def an_event(of: Organisation) -> Event:
    with organisation_scope(of.id):
        return Event.objects.order_by("id")[1]


def proof(of: Organisation, event_id: UUID, **given: Any) -> EventProof:
    found = event_proof(log_of(of.id), event_id=event_id, **{"open_parts": BOTH, **given})
    assert found is not None
    return found


@contextmanager
def retention() -> Iterator[Callable[[str, UUID], None]]:
    """Runs what a sweep runs: a change of an event's row."""

    def change(statement: str, event_id: UUID) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [event_id])
            assert cursor.rowcount

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'on'")
    yield change
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'off'")


FORGET = "UPDATE audit_event SET {0} = NULL, {0}_opening = NULL WHERE id = %s"
DELETE = "DELETE FROM audit_event WHERE id = %s"


@pytest.mark.parametrize("opened", [BOTH, frozenset({"what"}), frozenset({"who"}), frozenset()])
def test_it_opens_what_the_asker_may_see(alice: Membership, opened: frozenset[PartName]) -> None:
    acme = alice.organisation
    event, signed = an_event(acme), publish(acme)

    found = proof(acme, event.id, open_parts=opened)

    assert found.checkpoint == signed
    read_back = accepted(found.text, signed)
    assert (read_back.index, read_back.note) == (found.seq, signed.note)
    extra = read_back.extra
    assert (extra.pop("v"), extra.pop("class")) == (1, event.event_class)
    assert extra.pop("withheld", []) == [name for name in ("who", "what") if name not in opened]
    for name in ("who", "what"):
        text, opening = bytes(getattr(event, name)), bytes(getattr(event, f"{name}_opening"))
        if name in opened:
            assert extra.pop(name).encode() == text
            assert extra.pop(f"{name}_opening") == base64.b64encode(opening).decode()
        else:
            committed = base64.b64encode(bytes(getattr(event, f"c_{name}"))).decode()
            assert extra.pop(f"c_{name}") == committed
            assert base64.b64encode(opening).decode() not in found.text
    assert extra == {}


@pytest.mark.parametrize("gone", ["who", "what"])
def test_what_retention_deleted_is_not_called_withheld(alice: Membership, gone: str) -> None:
    acme = alice.organisation
    event, signed = an_event(acme), publish(acme)
    with retention() as sweep:
        sweep(FORGET.format(gone), event.id)

    extra = accepted(proof(acme, event.id).text, signed).extra

    assert f"c_{gone}" in extra
    assert gone not in extra
    assert "withheld" not in extra
    kept = ({"who", "what"} - {gone}).pop()
    closed = accepted(proof(acme, event.id, open_parts=frozenset()).text, signed).extra
    assert closed["withheld"] == [kept]


def test_an_event_of_which_nothing_is_left_is_proved_still(alice: Membership) -> None:
    acme = alice.organisation
    event, signed = an_event(acme), publish(acme)
    with organisation_scope(acme.id):
        entry = bytes(Entry.objects.get(event_id=event.id).entry)
    with retention() as sweep:
        sweep(FORGET.format("who"), event.id)
        sweep(FORGET.format("what"), event.id)
        emptied = accepted(proof(acme, event.id).text, signed, entry).extra
        sweep(DELETE, event.id)

    extra = accepted(proof(acme, event.id).text, signed, entry).extra

    assert emptied.keys() == {"v", "class", "c_who", "c_what"}
    assert extra == {
        "v": 1,
        "class": event.event_class,
        "entry": base64.b64encode(entry).decode(),
    }


def test_a_changed_part_is_refused(alice: Membership) -> None:
    acme = alice.organisation
    event, signed = an_event(acme), publish(acme)
    text = proof(acme, event.id).text
    extra = read(text).extra
    extra["what"] = extra["what"].replace("success", "refused")
    changed = base64.b64encode(json.dumps(extra).encode()).decode()
    head, _, rest = text.partition("\nextra ")

    with pytest.raises(AssertionError):
        accepted(f"{head}\nextra {changed}\n{rest.partition(chr(10))[2]}", signed)


def test_there_is_none_before_the_checkpoint(alice: Membership) -> None:
    acme = alice.organisation
    log, event = log_of(acme.id), an_event(acme)

    assert event_proof(log, event_id=event.id, open_parts=BOTH) is None

    publish(acme)
    cast.member(acme, "Eve")
    with organisation_scope(acme.id):
        newest = Event.objects.latest("id")
    assert event_proof(log, event_id=newest.id, open_parts=BOTH) is None
    sequence(log)
    assert event_proof(log, event_id=newest.id, open_parts=BOTH) is None
    assert event_proof(log, event_id=event.id, open_parts=BOTH) is not None

    signed = publish(acme)
    accepted(proof(acme, newest.id).text, signed)


def test_an_old_event_is_proved_under_the_newest_checkpoint(alice: Membership) -> None:
    acme = alice.organisation
    event = an_event(acme)
    publish(acme)
    for number in range(9):
        cast.member(acme, f"Person{number}")
        signed = publish(acme)
        assert proof(acme, event.id).checkpoint == signed
        accepted(proof(acme, event.id).text, signed)


def test_somebody_elses_event_is_nobodys(alice: Membership, charlie: Membership) -> None:
    acme, globex = alice.organisation, charlie.organisation
    event, waiting = an_event(acme), event_proof
    publish(globex)
    for _ in range(2):
        for event_id in (event.id, uuid4()):
            with pytest.raises(NotFound):
                waiting(log_of(globex.id), event_id=event_id, open_parts=BOTH)
        publish(acme)


def test_the_platforms_log_has_proofs_too(db: None) -> None:
    with acting_as(SYSTEM), transaction.atomic():
        recorded = record_platform(AccountCreated(account_id=uuid4()))
    signed = publish(None)

    found = event_proof(PLATFORM_LOG, event_id=recorded.event_id, open_parts=BOTH)

    assert found is not None
    assert "account.created" in accepted(found.text, signed).extra["what"]
    assert events_of_content(PLATFORM_LOG, sha256=bytes(32)) == []
    with pytest.raises(NotFound):
        event_proof(PLATFORM_LOG, event_id=recorded.event_id, open_parts=BOTH, content=bytes(32))


# Ciphertexts


@pytest.fixture
def crowd(acme: Organisation, alice: Membership) -> list[Phone]:
    return [cast.phone(cast.member(acme, f"Person{number}")) for number in range(5)]


def sent(by: Phone, to: list[Phone]) -> tuple[UUID, list[bytes]]:
    """A message: its event, and the hashes of its ciphertexts."""
    acme = by.device.organisation
    people = [one.device.membership for one in (by, *to)]
    texts = [secrets.token_bytes(60) for _ in to]
    body = talk.message(()) | {
        "envelopes": [talk.envelope(one, text) for one, text in zip(to, texts, strict=True)]
    }
    by.api.send_message(talk.group(acme, *people).id, body)
    (event,) = cast.events(acme, "message.accepted")
    return UUID(event["id"]), [sha256(text).digest() for text in texts]


@pytest.mark.parametrize("number", range(1, 6))
def test_each_ciphertext_is_proved_to_be_the_messages(
    alice_phone: Phone, crowd: list[Phone], number: int
) -> None:
    acme = alice_phone.device.organisation
    event_id, hashes = sent(alice_phone, crowd[:number])
    signed = publish(acme)

    for value in hashes:
        extra = accepted(proof(acme, event_id, content=value).text, signed).extra
        content, what = extra["content"], json.loads(extra["what"])
        assert content["sha256"] == base64.b64encode(value).decode()
        assert content["count"] == number
        assert verify_inclusion(
            value,
            content["index"],
            content["count"],
            [base64.b64decode(one) for one in content["path"]],
            base64.b64decode(what["data"]["content_root"]),
        )


def test_another_ciphertext_is_none_of_the_message(alice_phone: Phone, crowd: list[Phone]) -> None:
    acme = alice_phone.device.organisation
    event_id, _ = sent(alice_phone, crowd[:2])
    for _ in range(2):
        with pytest.raises(NotFound):
            event_proof(
                log_of(acme.id), event_id=event_id, open_parts=BOTH, content=secrets.token_bytes(32)
            )
        publish(acme)
    with pytest.raises(NotFound):
        proof(acme, an_event(acme).id, content=secrets.token_bytes(32))


def test_a_ciphertext_finds_its_message_when_the_people_are_forgotten(
    alice_phone: Phone, crowd: list[Phone], charlie: Membership
) -> None:
    acme = alice_phone.device.organisation
    event_id, hashes = sent(alice_phone, crowd[:3])
    log = log_of(acme.id)
    assert events_of_content(log, sha256=hashes[0]) == [(event_id, None)]
    signed = publish(acme)
    with retention() as sweep:
        for table in ("messaging_envelope", "messaging_delivery"):
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {table}")
        sweep("DELETE FROM messaging_message WHERE event_id = %s", event_id)
        sweep(FORGET.format("who"), event_id)

    ((found, seq),) = events_of_content(log, sha256=hashes[1])

    assert found == event_id
    extra = accepted(proof(acme, found, content=hashes[1]).text, signed).extra
    assert "c_who" in extra
    assert json.loads(extra["what"])["type"] == "message.accepted"
    assert seq == proof(acme, found).seq
    assert events_of_content(log_of(charlie.organisation_id), sha256=hashes[1]) == []
    assert events_of_content(log, sha256=secrets.token_bytes(32)) == []


# From one checkpoint to another


def test_only_published_sizes_are_compared(alice: Membership) -> None:
    acme = alice.organisation
    log, heads = log_of(acme.id), [publish(acme)]
    for number in range(3):
        cast.phone(cast.member(acme, f"Person{number}"))
        heads.append(publish(acme))
    cast.member(acme, "Eve")
    sequence(log)

    for place, old in enumerate(heads):
        for new in heads[place:]:
            found = consistency(log, old_size=old.size, size=new.size)
            assert (found.old, found.new) == (old, new)
            assert verify_consistency(old.size, new.size, found.hashes, old.root, new.root)
            if old is not new:
                assert not verify_consistency(old.size, new.size, found.hashes, new.root, new.root)
    unpublished = tree_head(log).size
    first, last = heads[0].size, heads[-1].size
    assert unpublished > last
    for sizes in ((first, unpublished), (first - 1, last), (0, last), (last, first)):
        with pytest.raises(NotFound):
            consistency(log, old_size=sizes[0], size=sizes[1])


def test_a_proof_takes_three_statements(
    alice_phone: Phone, crowd: list[Phone], django_assert_num_queries: Any
) -> None:
    acme = alice_phone.device.organisation
    event_id, hashes = sent(alice_phone, crowd)
    publish(acme)
    log = log_of(acme.id)

    with django_assert_num_queries(3):
        event_proof(log, event_id=event_id, open_parts=BOTH)
    with django_assert_num_queries(4):
        event_proof(log, event_id=event_id, open_parts=BOTH, content=hashes[0])
