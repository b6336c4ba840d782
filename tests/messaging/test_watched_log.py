"""Devices that watch the log: a substituted identity key and a split view don't pass unnoticed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from nacl.signing import SigningKey

from audit import verifier
from audit.notes import Signer, sign_note
from audit.services.checkpoints import checkpoint_signers
from keys.models import SplitView
from messaging.models import Room
from orgs.models import Membership, Organisation
from semafore.local.client import evidence, talking
from semafore.local.client.agreement import AgreementError
from semafore.local.client.conversations import Messenger
from semafore.local.client.device import Device
from semafore.local.client.keyfile import HeldKeys, KeyFile
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.log import LogError
from semafore.local.client.receipts import ReceiptError
from semafore.local.client.wire import JsonObject, encode
from semafore.wsgi import application
from tests import cast
from tests.cast import Phone, inside
from tests.keys.logs import published, restored, signed
from tests.messaging import talk

Lie = Callable[[Any], Any]


class Liar(httpx.BaseTransport):
    """The server, but for what it is made to say instead."""

    def __init__(self) -> None:
        self._server = httpx.WSGITransport(app=application)
        self.lies: dict[str, Lie] = {}
        """By the end of the path: what becomes of the answer's JSON, or of its text."""
        self.fails: set[str] = set()
        """Ends of paths that it answers with 500."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(tuple(self.fails)):
            return httpx.Response(500, json={"code": "server_error"})
        answer = self._server.handle_request(request)
        lie = next((one for end, one in self.lies.items() if request.url.path.endswith(end)), None)
        if lie is None or answer.status_code not in {200, 201}:
            return answer
        answer.read()
        if answer.headers["Content-Type"] == "application/json":
            return httpx.Response(answer.status_code, json=lie(answer.json()))
        return httpx.Response(200, text=lie(answer.text))


@pytest.fixture
def server() -> Liar:
    """What Alice's device talks to."""
    return Liar()


@pytest.fixture
def alices(alice_phone: Phone, server: Liar, tmp_path: Path) -> Device:
    """Alice's device, its state in a file."""
    alice_phone.transport = server
    file = KeyFile(tmp_path / "alice.json")
    file.save(alice_phone.keys)
    return Device(file, alice_phone.api)


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    return talk.group(acme, alice, bob)


def alarms(of: Organisation) -> int:
    with inside(of):
        return SplitView.objects.count()


def test_a_proven_bundle_is_agreed_on(acme: Organisation, alices: Device, bob_phone: Phone) -> None:
    assert not alices.agree_with(bob_phone.id).proven
    published(acme)
    assert alices.agree_with(bob_phone.id).proven
    kept = alices.file.load().log
    assert kept is not None
    assert kept.checkpoint == alices.api.log()["checkpoint"]


def test_a_key_that_was_exchanged_in_the_database_is_noticed(
    acme: Organisation, alices: Device, bob_phone: Phone
) -> None:
    published(acme)
    thief = DeviceKeys.generate()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE keys_device DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE keys_device SET identity_key = %s WHERE id = %s",
            [thief.identity_key, bob_phone.id],
        )
        cursor.execute(
            "UPDATE keys_signedprekey SET public_key = %s, signature = %s WHERE device_id = %s",
            [thief.signed_pre_key.public_key, thief.signed_pre_key.signature, bob_phone.id],
        )
        cursor.execute("ALTER TABLE keys_device ENABLE TRIGGER USER")

    with pytest.raises(AgreementError, match="not the one that was approved"):
        alices.agree_with(bob_phone.id)


def test_a_server_that_answers_with_another_key_is_noticed_before_anything_is_sent(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone, room: Room
) -> None:
    published(acme)
    thief = DeviceKeys.generate()

    def substitute(answer: JsonObject) -> JsonObject:
        for result in answer["results"]:
            result["bundle"]["identity_key"] = encode(thief.identity_key)
            result["bundle"]["signed_pre_key"] = thief.signed_pre_key.to_public_json()
        return answer

    server.lies["key-bundles/claim"] = substitute
    with pytest.raises(AgreementError, match="not the one that was approved"):
        Messenger(alices.api, alices.file, log=alices.log).send(room.id, "for Bob alone")
    assert alices.file.load().peers == {}
    assert bob_phone.api.mailbox()["envelopes"] == []


def test_another_devices_approval_vouches_for_nothing(
    acme: Organisation, alices: Device, server: Liar, bob: Membership, bob_phone: Phone
) -> None:
    other = cast.phone(bob, name="Tablet")
    published(acme)
    proof = alices.api.enrolment_proof(other.id)
    server.lies["enrolment-proof"] = lambda _text: proof
    with pytest.raises(AgreementError, match="something else than this device's approval"):
        alices.agree_with(bob_phone.id)


def test_who_speaks_first_is_held_against_the_log_before_the_answer(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone, room: Room
) -> None:
    """No bundle was claimed: the identity key came with the message alone."""
    other = cast.phone(bob_phone.device.membership, name="Tablet")
    published(acme)
    Messenger(bob_phone.api, HeldKeys(bob_phone.keys)).send(room.id, "Who are you?")
    messenger = Messenger(alices.api, alices.file, log=alices.log)
    assert [one.text for one in messenger.collect()] == ["Who are you?"]
    proof = alices.api.enrolment_proof(other.id)

    server.lies["enrolment-proof"] = lambda _text: proof
    with pytest.raises(AgreementError, match="something else than this device's approval"):
        messenger.send(room.id, "Alice")
    assert bob_phone.api.mailbox()["envelopes"] == []

    server.lies.clear()
    messenger.send(room.id, "Alice")
    assert all(peer.proven for peer in alices.file.load().peers.values())
    # Once is enough: an identity key never changes.
    server.lies["enrolment-proof"] = lambda _text: proof
    messenger.send(room.id, "That is all.")


@pytest.mark.parametrize("lie", [{"index": 0}, {"leaf": encode(bytes(32))}])
def test_a_bundle_must_name_the_place_of_the_approval(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone, lie: JsonObject
) -> None:
    published(acme)
    server.lies[f"{bob_phone.id}/claim"] = lambda bundle: {**bundle, "log": bundle["log"] | lie}
    with pytest.raises(AgreementError, match="another place in the log"):
        alices.agree_with(bob_phone.id)


def test_a_proof_under_a_checkpoint_of_another_tree_is_noticed_and_reported(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone
) -> None:
    newest = published(acme)
    forged = signed(acme, newest.size, bytes(32))
    server.lies["enrolment-proof"] = lambda text: text.partition("\n\n")[0] + "\n\n" + forged
    with pytest.raises(LogError, match="does not go on"):
        alices.agree_with(bob_phone.id)
    assert alarms(acme) == 1


def test_a_device_follows_the_log_as_it_grows(
    acme: Organisation, alices: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence.log(alices)
    first = published(acme)
    for _ in range(2):
        evidence.log(alices)
    cast.member(acme, "Dora")
    second = published(acme)
    evidence.log(alices)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The log has no checkpoint yet."
    told = [line.split("  ", 1)[1].strip() for line in lines if line.startswith("consistency")]
    assert told == [
        "the first checkpoint that this device sees: its keys are believed from now on",
        "the same as the last one seen",
        f"proved: the {first.size} entries last seen are the first of these, unchanged",
    ]
    assert f"{second.size} entries" in lines[-3]


def test_what_a_device_saw_grow_it_can_show_to_others(
    acme: Organisation, alices: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "consistency.json"
    first = published(acme)
    evidence.log(alices, file)
    assert not file.exists()
    assert "none: there is no earlier checkpoint" in capsys.readouterr().out
    cast.member(acme, "Dora")
    second = published(acme)
    evidence.log(alices, file)

    assert f"written to {file}" in capsys.readouterr().out
    vkeys = alices.api.log()["vkeys"]
    report = verifier.check_consistency(file.read_text("utf-8"), vkeys)
    assert report.failed == []
    assert f"the first {first.size} entries are the same at size {second.size}" in " ".join(
        report.checked
    )


def test_a_split_view_is_noticed_reported_and_recorded(
    acme: Organisation, alices: Device, server: Liar
) -> None:
    """Alice's device was shown another tree, signed by the log's own key, and then the true one."""
    newest = published(acme)
    forged = signed(acme, newest.size, bytes(32))
    server.lies["log/checkpoint"] = lambda shown: {**shown, "checkpoint": forged}
    assert alices.log.look() is not None
    server.lies.clear()

    for _ in range(2):
        with pytest.raises(LogError, match="The server was shown that checkpoint"):
            alices.log.look()
    (event,) = cast.events(acme, "log.split_view_reported")
    assert event["data"]["note"] == forged
    assert event["data"]["expected_root"] == encode(newest.root)
    # What it saw stays: evidence isn't overwritten by what contradicts it.
    kept = alices.file.load().log
    assert kept is not None
    assert kept.checkpoint == forged


@pytest.mark.parametrize("reported", [True, False])
def test_both_checkpoints_of_a_split_view_stay_whatever_the_server_says_of_it(
    acme: Organisation, alices: Device, server: Liar, *, reported: bool
) -> None:
    newest = published(acme)
    assert alices.log.look() is not None
    forged = signed(acme, newest.size, bytes(32))
    if not reported:
        server.fails.add("log/seen")
    with pytest.raises(LogError, match="Both are kept in its state file") as told:
        alices.log.hold(forged)
    assert ("The server was shown" in str(told.value)) == reported

    cast.member(acme, "Dora")
    later = published(acme)
    alices.log.look()
    kept = alices.file.load().log
    assert kept is not None
    assert (kept.checkpoint, kept.against) == (later.note, (forged, newest.note))


def test_what_a_restore_lost_is_told_and_no_alarm_where_the_log_declares_it(
    acme: Organisation,
    alices: Device,
    server: Liar,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Alice's device saw entries that the database had to be restored without."""
    size, root = published(acme).size + 10, bytes(range(32))
    server.lies["log/checkpoint"] = lambda shown: {
        **shown,
        "checkpoint": signed(acme, size, root),
    }
    alices.log.look()
    server.lies.clear()
    with pytest.raises(LogError):
        alices.log.look()
    assert alarms(acme) == 1

    restored(acme, lost=10, root=root)
    evidence.log(alices, tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()
    told = f"of the {size} entries last seen some were lost in a restore, as the log declares"
    assert told in capsys.readouterr().out
    evidence.log(alices)
    assert "the same as the last one seen" in capsys.readouterr().out
    assert alarms(acme) == 1


def test_another_organisations_log_is_no_later_origin_of_this_one(
    acme: Organisation, globex: Organisation, alices: Device, server: Liar
) -> None:
    """The same key signs all logs of a server: one that lies needs no key of its own for this."""
    published(acme)
    alices.log.look()
    other = signed(globex, 2**20, bytes(32), number=2)
    (signer,) = checkpoint_signers(other.partition("\n")[0])
    server.lies["log/checkpoint"] = lambda shown: {
        **shown,
        "checkpoint": other,
        "vkeys": [signer.vkey],
    }
    server.lies["log/seen"] = lambda _verdict: {"consistent": False, "lost": True}
    with pytest.raises(LogError, match="does not go on"):
        alices.log.look()


def test_a_log_that_became_shorter_is_noticed(
    acme: Organisation, alices: Device, server: Liar
) -> None:
    first = published(acme)
    cast.member(acme, "Dora")
    published(acme)
    alices.log.look()
    server.lies["log/checkpoint"] = lambda shown: {**shown, "checkpoint": first.note}
    with pytest.raises(LogError, match="the older checkpoint is the larger one"):
        alices.log.look()


def test_a_checkpoint_of_the_socket_is_held_against_the_log(
    acme: Organisation, alices: Device
) -> None:
    newest = published(acme)
    frame = {"type": "log.checkpoint", "checkpoint": newest.note}
    assert alices.maintain(frame) is None
    frame["checkpoint"] = signed(acme, newest.size, bytes(32))
    with pytest.raises(LogError):
        alices.maintain(frame)
    assert alarms(acme) == 1


def test_a_new_key_is_believed_beside_a_known_one_only(
    acme: Organisation, alices: Device, server: Liar
) -> None:
    newest = published(acme)
    alices.log.look()
    fresh = Signer(newest.origin, SigningKey(bytes(range(32))))
    text = (newest.origin, str(newest.size), encode(newest.root))

    def alone(shown: JsonObject) -> JsonObject:
        return {
            **shown,
            "vkeys": [*shown["vkeys"], fresh.vkey],
            "checkpoint": sign_note([fresh], *text),
        }

    def beside(shown: JsonObject) -> JsonObject:
        line = fresh.line("".join(f"{one}\n" for one in text))
        return {
            **shown,
            "vkeys": [*shown["vkeys"], fresh.vkey],
            "checkpoint": shown["checkpoint"] + line,
        }

    server.lies["log/checkpoint"] = alone
    with pytest.raises(LogError, match="unknown keys alone"):
        alices.log.look()
    server.lies["log/checkpoint"] = beside
    alices.log.look()
    server.lies["log/checkpoint"] = alone
    alices.log.look()


def test_what_was_sent_can_be_proved_at_the_terminal(
    acme: Organisation,
    alices: Device,
    bob_phone: Phone,
    room: Room,
    capsys: pytest.CaptureFixture[str],
) -> None:
    talking.send(alices, str(room.id), "for the record")
    message_id = Messenger(alices.api, alices.file, log=alices.log).send(room.id, "x").message_id
    capsys.readouterr()
    evidence.proof(alices, message_id)
    assert capsys.readouterr().out.startswith("Not under a checkpoint yet")

    published(acme)
    evidence.proof(alices, message_id)
    checked, _, not_checked = capsys.readouterr().out.partition("Not checked:\n")
    assert "message.accepted, success" in checked
    assert "The receipt is signed and is for this event" in checked
    assert "That what the server recorded is true" in not_checked


def test_a_receipt_by_another_key_is_refused(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone, room: Room
) -> None:
    messenger = Messenger(alices.api, alices.file, log=alices.log)
    messenger.send(room.id, "before the first checkpoint nobody can tell")
    published(acme)
    sent = messenger.send(room.id, "yes")
    lines = sent.receipt.partition("\n\n")[0].split("\n")
    name = f"{lines[1].partition('/')[0]}/receipt"
    forged = Signer(name, SigningKey(bytes(32))).sign(*lines)
    server.lies["/messages"] = lambda answer: {**answer, "receipt": forged}
    with pytest.raises(ReceiptError):
        messenger.send(room.id, "no")


def test_a_receipt_of_another_message_is_refused(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone, room: Room
) -> None:
    messenger = Messenger(alices.api, alices.file, log=alices.log)
    first, second = (messenger.send(room.id, text) for text in ("one", "two"))
    published(acme)
    server.lies[str(first.message_id)] = lambda answer: {**answer, "receipt": second.receipt}
    with pytest.raises(ReceiptError, match="another event"):
        alices.log.message(first.message_id)
    assert alices.log.message(second.message_id) is not None


def test_a_state_file_from_before_devices_watched_is_read(alices: Device) -> None:
    state = json.loads(alices.file.path.read_text())
    del state["log"]
    assert DeviceKeys.from_json(state).log is None


def test_nobody_elses_message_is_proved(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone, room: Room
) -> None:
    messenger = Messenger(alices.api, alices.file, log=alices.log)
    first, second = (messenger.send(room.id, text) for text in ("one", "two"))
    published(acme)
    proof = alices.api.message_proof(second.message_id)
    server.lies["/proof"] = lambda _text: proof
    with pytest.raises(LogError, match="something else than this message"):
        alices.log.message(first.message_id)
