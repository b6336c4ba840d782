"""After retention, whether and when is still proved, and nothing tells who talked to whom."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from audit.logs import Log, log_of
from audit.models import Entry, Event, IndexedEvent
from audit.proofs import Part, parts_shown
from audit.selectors.checkpoints import SignedHead, checkpoint_of_size, latest_checkpoint
from audit.selectors.integrity import verify_log
from audit.selectors.log_keys import checkpoint_vkeys, receipt_vkeys
from audit.selectors.proofs import consistency, event_proof, events_of_content
from audit.services.recording import Ref
from audit.services.retention.holds import place_hold
from audit.services.retention.sweeps import Preview, preview
from audit.verifier import Proved, Report, VerificationError, verify_consistency, verify_proof
from messaging.models import Delivery, Message
from orgs.models import Membership, Organisation
from orgs.services.memberships import end_membership
from semafore.kernel import clock
from semafore.local.client.wire import decode
from tests import cast
from tests.audit.aged import DAY, days, records, swept
from tests.audit.evidence_log import Check, bundle_of
from tests.cast import Phone, inside
from tests.keys.logs import published
from tests.messaging import calls, post, talk

METADATA, AUDIT, EXISTENCE = 10, 2555, 60
"""Days: who talked to whom is forgotten long before that something was said."""


@dataclass
class Talk:
    """A message as it was sent, and what of it the parties still hold."""

    message_id: UUID
    ciphertexts: list[bytes]
    event_id: UUID
    row_id: UUID
    envelope_ids: list[UUID]
    proof: str = ""

    @property
    def hashes(self) -> list[bytes]:
        """SHA-256 of each ciphertext: all that is known of a file that was found."""
        return [sha256(one).digest() for one in self.ciphertexts]

    @property
    def traces(self) -> set[str]:
        """Whatever would lead to this message."""
        ids = [self.message_id, self.event_id, self.row_id, *self.envelope_ids]
        return {*_spelt(*(one.bytes for one in ids), *self.hashes), *map(str, ids)}


@dataclass
class Scene:
    """Alice talks to Bob, in a group and alone, and with Gus of Initech; to Dan, who is held."""

    acme: Organisation
    parties: dict[str, set[str]] = field(default_factory=dict)
    """Whatever names a person or a place of theirs."""
    talks: list[Talk] = field(default_factory=list)
    held: list[Talk] = field(default_factory=list)
    before: dict[str, set[str]] = field(default_factory=dict)
    """Every row of every table from before the first message."""
    old: list[SignedHead] = field(default_factory=list)

    @property
    def log(self) -> Log:
        return log_of(self.acme.id)

    @property
    def vkeys(self) -> list[str]:
        return checkpoint_vkeys(self.log)

    def verified(self, proof: str) -> Proved:
        return verify_proof(proof, self.vkeys)

    def proved(self, event_id: UUID, content: bytes | None = None) -> Proved:
        found = event_proof(
            self.log, event_id=event_id, open_parts={"who", "what"}, content=content
        )
        assert found is not None
        return self.verified(found.text)


def _spelt(*values: bytes) -> Iterator[str]:
    for one in values:
        yield one.hex()
        yield base64.b64encode(one).decode()
        yield base64.urlsafe_b64encode(one).decode().rstrip("=")


def _named(*ids: UUID, words: Sequence[str] = ()) -> set[str]:
    return {*_spelt(*(one.bytes for one in ids)), *map(str, ids), *words}


def _person(*phones: Phone) -> set[str]:
    person = phones[0].device.membership
    ids = [person.id, person.account_id, *(one.id for one in phones)]
    words = [f'"{person.name}"', person.phone or person.name, person.email or person.name]
    return _named(*ids, words=words)


def _said(sender: Phone, room_id: UUID, *to: Phone) -> Talk:
    """A message that every device got and acknowledged."""
    body = talk.message(to)
    sender.api.send_message(room_id, body)
    envelope_ids = []
    for phone in to:
        waiting = [one["envelope_id"] for one in phone.api.mailbox()["envelopes"]]
        assert post.ack(phone, waiting) == 1
        envelope_ids += waiting
    message_id = UUID(body["message_id"])
    with inside(sender.device.organisation):
        row = Message.objects.get(message_id=message_id)
    return Talk(
        message_id=message_id,
        ciphertexts=[decode(one["ciphertext"]) for one in body["envelopes"]],
        event_id=row.event_id,
        row_id=row.id,
        envelope_ids=[UUID(one) for one in envelope_ids],
    )


def _rows(of: Organisation) -> dict[str, set[str]]:
    """Every row of every table as one text: bytes in hex and as the letters that they may be."""
    found = {}
    with inside(of), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = {" ".join(map(_text, row)) for row in cursor.fetchall()}
    return found


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return f"{bytes(value).hex()} {bytes(value).decode('latin-1')}"
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return value if isinstance(value, str) else str(value)


def telling(scene: Scene) -> list[str]:
    """Rows since the first message that name two parties, or one beside a message."""
    traces = set().union(*(one.traces for one in scene.talks))
    found = []
    for table, rows in _rows(scene.acme).items():
        for row in rows - scene.before[table]:
            names = [name for name, words in scene.parties.items() if _any(words, row)]
            if len(names) > 1 or (names and _any(traces, row)):
                found.append(f"{table}: {', '.join(names)}")
    return found


def _any(words: set[str], row: str) -> bool:
    return any(word in row for word in words)


@pytest.fixture
def scene(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> Scene:
    """Talks of a day, all published, with a proof of each that somebody kept."""
    days(acme, METADATA, AUDIT, EXISTENCE)
    tablet, dan_phone = cast.phone(bob, name="Tablet"), cast.phone(cast.member(acme, "Dan"))
    gus_phone = cast.phone(calls.guest(acme, alice))
    dan, gus = dan_phone.device.membership, gus_phone.device.membership
    ward = talk.group(acme, alice, bob)
    repairs = calls.external(acme, alice, gus)
    direct, with_dan = (UUID(calls.new_direct(alice_phone, one)["id"]) for one in (bob, dan))
    scene = Scene(acme)
    scene.parties = {
        "Alice": _person(alice_phone),
        "Bob": _person(bob_phone, tablet),
        "Gus": _person(gus_phone),
        "the ward": _named(ward.id),
        "the repairs": _named(repairs.id),
        "their direct room": _named(direct),
    }
    # Tokens, and checkpoints to be kept: what devices do without talking.
    for phone in (alice_phone, bob_phone, tablet, gus_phone, dan_phone):
        phone.api.mailbox()
    scene.old.append(published(acme))
    scene.before = _rows(acme)
    scene.talks = [
        _said(alice_phone, ward.id, bob_phone, tablet),
        _said(bob_phone, direct, alice_phone, tablet),
        _said(gus_phone, repairs.id, alice_phone),
    ]
    scene.held = [_said(alice_phone, with_dan, dan_phone)]
    with inside(acme):
        for person in (dan, cast.member(acme, "Erin")):
            end_membership(membership_id=person.id, reason="left")
        place_hold(
            person=Ref("member", dan.id, dan.name),
            room=None,
            from_at=None,
            until_at=None,
            reason="An inquiry",
            case_reference="7/26",
        )
    scene.old.append(published(acme))
    for one in (*scene.talks, *scene.held):
        proof = event_proof(scene.log, event_id=one.event_id, open_parts={"who", "what"})
        assert proof is not None
        one.proof = proof.text
    return scene


def swept_as_previewed(scene: Scene) -> dict[str, Any]:
    """The record of a sweep that took what its preview had counted, to the last row."""
    with inside(scene.acme):
        told: Preview = preview()
        swept(scene.acme)
        assert preview().parts == []
        assert preview().rows == {}
    record = records(scene.acme)[-1]
    counts = [(one["class"], one["part"], one["count"]) for one in record["swept"]]
    assert [(one.event_class, one.part, one.count) for one in told.parts] == counts
    assert told.rows == record["rows"]
    scene.old.append(published(scene.acme))
    assert verify_log(scene.log).fault is None
    return record


def in_order(scene: Scene) -> list[tuple[int, UUID]]:
    """Place and id of what transited, by time and place, but for what is held."""
    held = [one.event_id for one in scene.held]
    with inside(scene.acme):
        transits = IndexedEvent.objects.filter(event_class=2).exclude(event_id__in=held)
        return list(transits.order_by("at", "seq").values_list("seq", "event_id"))


def recomputed(part: str, events: Sequence[tuple[int, UUID]]) -> dict[str, Any]:
    """What a record must say of a part of these events."""
    digest = bytes(32)
    for _, event_id in events:
        digest = sha256(digest + event_id.bytes).digest()
    seqs = [seq for seq, _ in events]
    return {
        "class": 2,
        "part": part,
        "first": min(seqs),
        "last": max(seqs),
        "count": len(seqs),
        "digest": base64.b64encode(digest).decode(),
    }


def test_before_it_is_forgotten_the_scan_finds_who_talked_to_whom(scene: Scene) -> None:
    """Or the other tests would show nothing."""
    found = telling(scene)
    for table in ("audit_event", "audit_event_index", "messaging_message", "messaging_delivery"):
        assert any(one.startswith(f"{table}: ") for one in found), (table, found)


def test_nothing_tells_who_talked_to_whom(scene: Scene) -> None:
    transits = in_order(scene)

    with clock.moved_by((METADATA + 1) * DAY):
        record = swept_as_previewed(scene)

    assert telling(scene) == []
    assert [one for one in record["swept"] if one["class"] == 2] == [recomputed("who", transits)]
    assert record["rows"]["messages"] == len(scene.talks)
    assert record["rows"]["deliveries"] == sum(len(one.envelope_ids) for one in scene.talks)
    assert record["rows"]["memberships"] == 1, "Erin's; Dan is held"


def test_a_ciphertext_still_proves_that_it_transited(scene: Scene) -> None:
    with clock.moved_by((METADATA + 1) * DAY):
        swept_as_previewed(scene)
        for one in scene.talks:
            for digest in one.hashes:
                ((event_id, seq),) = events_of_content(scene.log, sha256=digest)
                found = scene.proved(event_id, digest)
                assert (found.content, found.index) == (digest, seq)
                assert found.who is None
                assert found.what is not None
                assert found.what["data"]["message_id"] == str(one.message_id)


def test_what_is_held_for_its_recipient_stays_whole(scene: Scene) -> None:
    (one,) = scene.held

    with clock.moved_by((EXISTENCE + 1) * DAY):
        swept_as_previewed(scene)

        found = scene.proved(one.event_id, one.hashes[0])
        assert found.who is not None
        assert found.what is not None
        assert found.what["data"]["message_id"] == str(one.message_id)
    with inside(scene.acme):
        assert [row.id for row in Message.objects.all()] == [one.row_id]
        assert [row.message_id for row in Delivery.objects.all()] == [one.row_id]
        assert IndexedEvent.objects.get(event_id=one.event_id).who_kept
        names = Membership.objects.filter(status="ended").values_list("name", flat=True)
        assert sorted(names) == ["", "Dan"]


@pytest.mark.parametrize("after", [METADATA, EXISTENCE])
def test_old_and_new_proofs_hold(scene: Scene, after: int) -> None:
    with clock.moved_by((after + 1) * DAY):
        swept_as_previewed(scene)
        for one in (*scene.talks, *scene.held):
            old, new = scene.verified(one.proof), scene.proved(one.event_id)
            assert (old.index, old.leaf) == (new.index, new.leaf)
            assert old.who is not None
            assert old.what is not None
            gone = one in scene.talks
            assert (new.who is None) is gone
            assert (new.what is None) is (gone and after == EXISTENCE)


def test_what_existed_too_long_ago_is_an_entry_alone(scene: Scene) -> None:
    transits = in_order(scene)

    with clock.moved_by((EXISTENCE + 1) * DAY):
        record = swept_as_previewed(scene)

        assert [one for one in record["swept"] if one["class"] == 2] == [
            recomputed("who", transits),
            recomputed("what", transits),
        ]
        assert record["rows"]["contents"] == sum(len(one.ciphertexts) for one in scene.talks)
        for one in scene.talks:
            assert events_of_content(scene.log, sha256=one.hashes[0]) == []
            found = event_proof(scene.log, event_id=one.event_id, open_parts={"who", "what"})
            assert found is not None
            extra = found.text.split("\n")[1].removeprefix("extra ")
            assert set(json.loads(base64.b64decode(extra))) == {"v", "class", "entry"}
        assert telling(scene) == []


def test_the_log_only_grew(scene: Scene) -> None:
    for days_later in (METADATA + 1, EXISTENCE + 1):
        with clock.moved_by(days_later * DAY):
            swept_as_previewed(scene)
    newest = latest_checkpoint(scene.log)
    assert newest is not None
    for old in scene.old:
        path = consistency(scene.log, old_size=old.size, size=newest.size).hashes
        verify_consistency(old.size, newest.size, path, old.root, newest.root)
        with pytest.raises(VerificationError):
            verify_consistency(old.size, newest.size, path, bytes(32), newest.root)


def lines(scene: Scene) -> dict[int, dict[str, Any]]:
    """What a complete bundle says of each event that has a row."""
    found = {}
    with inside(scene.acme):
        events = {event.id: event for event in Event.objects.all()}
        for entry in Entry.objects.order_by("seq"):
            if event := events.get(entry.event_id):
                parts = [
                    Part(name, _bytes(text), _bytes(opening), bytes(commitment))
                    for name, text, opening, commitment in (
                        ("who", event.who, event.who_opening, event.c_who),
                        ("what", event.what, event.what_opening, event.c_what),
                    )
                ]
                shown = parts_shown(parts, frozenset({"who", "what"}))
                found[entry.seq] = {"v": 1, "class": event.event_class, **shown}
    return found


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def bundle(scene: Scene, events: Mapping[int, dict[str, Any]]) -> bytes:
    """A bundle of the whole log that says this of its events."""
    newest = latest_checkpoint(scene.log)
    assert newest is not None
    with inside(scene.acme):
        entries = [bytes(one.entry) for one in Entry.objects.order_by("seq")]
    earlier = [checkpoint_of_size(scene.log, one.size) for one in scene.old]
    return bundle_of(
        checkpoint=newest.note,
        earlier=[one.note for one in earlier if one and one.size < newest.size],
        checkpoint_keys=scene.vkeys,
        receipt_keys=receipt_vkeys(scene.log),
        entries=entries[: newest.size],
        events=events.items(),
        origin=newest.origin,
        log_id=scene.log.log_id,
    )


@pytest.fixture
def later(scene: Scene) -> Scene:
    """The same after two sweeps."""
    for days_later in (METADATA + 1, EXISTENCE + 1):
        with clock.moved_by(days_later * DAY):
            swept_as_previewed(scene)
    return scene


def test_a_bundle_of_what_is_left_holds(later: Scene, check: Check) -> None:
    report: Report = check(bundle(later, lines(later)), keys=later.vkeys)

    assert report.failed == []
    assert [one for one in report.checked if "Retention records in the log cover each" in one]


def records_in(events: Mapping[int, dict[str, Any]]) -> list[int]:
    return [
        seq
        for seq, one in events.items()
        if json.loads(one.get("what", "{}")).get("type") == "retention.swept"
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_without_the_record_it_is_a_gap(later: Scene, check: Check, which: int) -> None:
    events = lines(later)
    seq = records_in(events)[which]
    del events[seq]["what"], events[seq]["what_opening"]
    with inside(later.acme):
        event = Event.objects.get(id=Entry.objects.get(seq=seq).event_id)
    events[seq]["c_what"] = bytes(event.c_what)

    failed = check(bundle(later, events), keys=later.vkeys).failed

    assert any("(class 2)" in one and "a gap that nothing in the log" in one for one in failed)
    assert f"Entries {seq} (class 4): what is missing and no retention record covers it" in str(
        failed
    )


@pytest.mark.parametrize("part", ["who", "what"])
def test_one_part_more_that_is_missing_is_a_gap(later: Scene, check: Check, part: str) -> None:
    """Of the message that is held: within the range of the records, and not in their count."""
    events = lines(later)
    with inside(later.acme):
        entry = Entry.objects.get(event_id=later.held[0].event_id)
        event = Event.objects.get(id=entry.event_id)
    one = events[entry.seq]
    del one[part], one[f"{part}_opening"]
    one[f"c_{part}"] = bytes(getattr(event, f"c_{part}"))

    failed = check(bundle(later, events), keys=later.vkeys).failed

    assert len(failed) == 1
    assert f"(class 2): {part} is missing and no retention record covers it" in failed[0]
