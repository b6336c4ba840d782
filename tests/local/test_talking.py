"""`bin/device rooms`, `send` and `receive --once`, as two people at their terminals see them."""

from pathlib import Path
from uuid import UUID

import pytest

from messaging.models import Room
from messaging.services.periods import close
from messaging.services.rooms import create_direct, create_group
from orgs.models import Membership, Organisation
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client import talking
from semafore.local.client.conversations import Messenger
from semafore.local.client.demo import Demo, DemoError
from semafore.local.client.device import Device
from semafore.local.client.keyfile import KeyFile
from tests.cast import Phone, inside


def terminal(phone: Phone, folder: Path) -> Device:
    """The device with its keys in a file."""
    file = KeyFile(folder / f"{phone.id}.json")
    file.save(phone.keys)
    return Device(file, phone.api)


@pytest.fixture
def alices(alice_phone: Phone, tmp_path: Path) -> Device:
    return terminal(alice_phone, tmp_path)


@pytest.fixture
def bobs(bob_phone: Phone, tmp_path: Path) -> Device:
    return terminal(bob_phone, tmp_path)


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo("", "", tmp_path, {}, (), (), tmp_path)


@pytest.fixture
def room_id(acme: Organisation, alice: Membership, bob: Membership) -> UUID:
    """Alice's group with Bob; they have a direct room too."""
    actor = Actor(kind=ActorKind.MEMBER, id=alice.id, label="Alice", membership_id=alice.id)
    with organisation_scope(acme.id), acting_as(actor):
        create_direct(other_id=bob.id)
        return create_group(name="Ward 7", member_ids=[bob.id]).id


def test_rooms_are_listed_by_name(
    room_id: UUID, alices: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    talking.list_rooms(alices)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert [line.split("  ")[0] for line in sorted(lines[1:])] == ["Bob", "Ward 7"]
    assert str(room_id) in " ".join(lines)


def test_what_one_sends_the_other_reads(
    room_id: UUID, alices: Device, bobs: Device, demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    talking.send(alices, "ward 7", "Bed 12 is free")
    talking.send(alices, "bob", "and between us: at last")
    assert "semafore/receipt/v1" in capsys.readouterr().out

    talking.receive(demo, bobs, once=True)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("UTC  Alice in Ward 7: Bed 12 is free")
    assert second.endswith("UTC  Alice: and between us: at last")

    talking.receive(demo, bobs, once=True)
    assert capsys.readouterr().out == ""
    talking.send(bobs, str(room_id), "thanks")
    capsys.readouterr()
    talking.receive(demo, alices, once=True)
    assert capsys.readouterr().out.endswith("UTC  Bob in Ward 7: thanks\n")


def test_what_was_said_in_a_room_that_is_gone_is_still_told(
    acme: Organisation,
    room_id: UUID,
    alices: Device,
    bobs: Device,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Messenger(alices.api, alices.file).send(room_id, "last words")
    with inside(acme):
        close(Room.objects.get(id=room_id), reason="done")
    (entry,) = Messenger(bobs.api, bobs.file).collect()

    line = talking.Directory(bobs.api).line(entry)

    assert line.endswith(f"UTC  Alice in room {room_id}: last words")


def test_what_could_not_be_read_is_read_when_it_comes_again(
    room_id: UUID, alices: Device, bobs: Device
) -> None:
    Messenger(alices.api, alices.file).send(room_id, "Bed 12 is free")
    messenger = Messenger(bobs.api, bobs.file)
    (envelope,) = bobs.api.mailbox()["envelopes"]
    spoilt = envelope | {"ciphertext": f"AAAA{envelope['ciphertext'][4:]}"}

    unreadable = messenger.receive(spoilt)
    assert unreadable is not None
    assert unreadable.text is None
    assert messenger.receive(spoilt) is None

    entry = messenger.receive(envelope)

    assert entry is not None
    assert entry.text == "Bed 12 is free"
    assert messenger.receive(envelope) is None
    assert bobs.file.load().history == [entry]


def test_a_word_to_everybody_says_whose_it_is(
    room_id: UUID, alices: Device, bobs: Device, demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = UUID(alices.api._send("POST", "broadcasts")["id"])
    Messenger(alices.api, alices.file).broadcast(begun, [bobs.api.device_id], "All clear")

    talking.receive(demo, bobs, once=True)

    assert capsys.readouterr().out.endswith("UTC  Alice, to everybody: All clear\n")


def test_an_unknown_room_names_those_there_are(room_id: UUID, alices: Device) -> None:
    with pytest.raises(DemoError, match=r"There are: .*Ward 7"):
        talking.send(alices, "Ward 8", "hello?")


def test_a_trace_tells_no_text_and_little_of_a_ciphertext(
    room_id: UUID, alices: Device, bobs: Device
) -> None:
    lines: list[str] = []
    alices.api._trace = lines.append

    talking.send(alices, "Ward 7", "nobody's business")

    (sent,) = [line for line in lines if "/messages" in line]
    assert "nobody" not in "".join(lines)
    assert '"ciphertext": "A' in sent
    assert len(sent) < 800
