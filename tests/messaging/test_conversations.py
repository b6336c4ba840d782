"""People talk: what every device decrypts is exactly what was said, in order, once."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from audit.services.receipts import receipt_signer
from keys.models import Claim, RevocationReason
from keys.services import bundles
from keys.services.revocation import revoke_device
from messaging.models import Envelope, Message, Notice, NoticeKind, Room
from orgs.models import Membership, Organisation, Role
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.receipts import ReceiptError, read_receipt
from semafore.local.client.uploads import signed_upload
from semafore.wsgi import application
from tests import cast
from tests.cast import Phone, inside, phone
from tests.messaging import calls, talk
from tests.messaging.people import Talker, connected, talker
from tests.realtime.acts import age_signed_pre_key
from tests.realtime.processes import NEVER, RealtimeServer, elsewhere, frame, realtime_server


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealtimeServer]:
    """A process that looks at hints only."""
    with realtime_server(tmp_path_factory.mktemp("realtime"), poll_seconds=NEVER) as running:
        yield running


@pytest.fixture
def alices(alice_phone: Phone) -> Talker:
    return talker(alice_phone)


@pytest.fixture
def bobs(bob_phone: Phone) -> Talker:
    return talker(bob_phone)


def received(one: Talker) -> list[str | None]:
    """The texts that come with the next look into the mailbox."""
    return [entry.text for entry in one.messenger.collect()]


def made_by(creator: Phone, *others: Membership) -> Room:
    """A group as devices make it."""
    made = calls.new_group(creator, *others)
    with organisation_scope(creator.device.organisation_id):
        return Room.objects.get(id=made["id"])


async def test_three_devices_each_and_one_linked_in_between(
    committed: None, server: RealtimeServer
) -> None:
    """Both sides begin before anybody listens; then all listen while they talk."""
    acme = await elsewhere(cast.organisation, "Acme")
    alice = await elsewhere(cast.member, acme, "Alice", Role.OWNER)
    bob = await elsewhere(cast.member, acme, "Bob")
    a1, a2, a3 = [talker(await elsewhere(phone, alice, name=f"a{n}")) for n in range(3)]
    b1, b2, b3 = [talker(await elsewhere(phone, bob, name=f"b{n}")) for n in range(3)]
    room = await elsewhere(made_by, a1.phone, bob)
    said: list[tuple[Talker, str]] = []

    async def say(one: Talker, text: str) -> None:
        await one.say(room, text)
        said.append((one, text))

    def heard(one: Talker, since: int = 0) -> list[str]:
        return [text for sender, text in said[since:] if sender is not one]

    for one in (a1, b1, a2, b2):
        await say(one, f"{one.phone.device.name} says hello, without having heard of anybody")
    everybody = [a1, a2, a3, b1, b2, b3]
    async with connected(server, *everybody):
        for count in range(6):
            await say(everybody[count], f"round one, number {count}")
        for one in everybody:
            await one.hears(heard(one))
        linked = talker(await elsewhere(phone, bob, name="linked in between"))
        approved = len(said)
        for count in range(6):
            await say(everybody[count], f"round two, number {count} ✓")
        async with connected(server, linked):
            await say(linked, "and I am new here")
            await say(a3, "welcome")
            await linked.hears(heard(linked, approved))
        for one in everybody:
            await one.hears(heard(one))


async def test_what_comes_again_is_read_once_and_acknowledged_again(
    committed: None, server: RealtimeServer
) -> None:
    acme = await elsewhere(cast.organisation, "Acme")
    alice = await elsewhere(cast.member, acme, "Alice", Role.OWNER)
    bob = await elsewhere(cast.member, acme, "Bob")
    sender = talker(await elsewhere(phone, alice))
    receiver = talker(await elsewhere(phone, bob))
    room = await elsewhere(talk.group, acme, alice, bob)
    await sender.say(room, "once")
    token = await elsewhere(receiver.phone.api.token)

    async with server.open(token) as socket:
        while (first := await frame(socket))["type"] != "envelope":
            pass
        # It is stored, and the connection breaks before the ack.
        assert receiver.messenger.receive(first) is not None
    async with connected(server, receiver):
        pass
    await sender.say(room, "twice")
    async with connected(server, receiver):
        await receiver.hears(["once", "twice"])

    assert first["envelope_type"] == "pre_key"
    assert receiver.messenger.receive({**first, "envelope_id": str(uuid4())}) is None
    assert receiver.messenger.receive({**first, "message_id": str(uuid4())}) is None
    assert receiver.texts == ["once", "twice"]


def test_an_old_message_again_is_not_taken_for_a_broken_one(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    """The session has gone on since, and couldn't open it any more."""
    room = talk.group(acme, alice, bob)
    alices.messenger.send(room.id, "old")
    (old,) = bobs.messenger._relay.mailbox()["envelopes"]
    for text in ("and", "so", "on"):
        received(bobs)
        bobs.messenger.send(room.id, text)
        received(alices)
        alices.messenger.send(room.id, text)

    assert bobs.messenger.receive(old) is None
    assert not bobs.phone.keys.peers[alices.id].renew


def test_a_first_message_may_wait_through_a_rotation(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    alices.messenger.send(room.id, "before")
    with inside(acme):
        new = bobs.phone.keys.rotate_signed_pre_key()
        bundles.rotate(device_id=bobs.id, signed_pre_key=signed_upload(new))

    assert received(bobs) == ["before"]
    bobs.messenger.send(room.id, "answer")
    assert received(alices) == ["answer"]


def test_who_has_no_fresh_key_is_left_out_and_reached_again(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    age_signed_pre_key(bobs.phone, left=timedelta(hours=-1))

    assert alices.messenger.send(room.id, "into the void").skipped == [bobs.id]
    assert received(bobs) == []
    with inside(acme):
        (notice,) = Notice.objects.filter(device_id=bobs.id, kind=NoticeKind.MISSED)
        new = bobs.phone.keys.rotate_signed_pre_key()
        bundles.rotate(device_id=bobs.id, signed_pre_key=signed_upload(new))
    assert notice.count == 1
    assert alices.messenger.send(room.id, "there you are").skipped == []
    assert received(bobs) == ["there you are"]


def test_a_session_goes_on_while_the_key_has_expired(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    """Only a new session needs a fresh signed pre-key."""
    room = talk.group(acme, alice, bob)
    alices.messenger.send(room.id, "one")
    age_signed_pre_key(bobs.phone, left=timedelta(hours=-1))

    assert alices.messenger.send(room.id, "two").skipped == []
    assert received(bobs) == ["one", "two"]


def test_a_revoked_device_is_dropped_and_the_message_goes_out(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    tablet = talker(phone(bob, name="Tablet"))
    alices.messenger.send(room.id, "to both")
    with inside(acme):
        revoke_device(device_id=tablet.id, reason=RevocationReason.LOST)

    sent = alices.messenger.send(room.id, "to one")

    with inside(acme):
        message = Message.objects.get(message_id=sent.message_id)
    assert (message.envelopes, message.skipped) == (1, [])
    assert received(bobs) == ["to both", "to one"]


def test_a_stale_registration_gets_a_new_session(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    alices.messenger.send(room.id, "one")
    peer = alices.phone.keys.peers[bobs.id]
    peer.registration_id = peer.registration_id % 16380 + 1

    alices.messenger.send(room.id, "two")

    assert received(bobs) == ["one", "two"]
    assert len(alices.phone.keys.peers[bobs.id].sessions) == 2


class Unreliable(httpx.BaseTransport):
    """The server does what it is asked, and its answers to messages get lost."""

    def __init__(self, lost: int) -> None:
        self.lost = lost
        self.sent: list[bytes] = []
        self._server = httpx.WSGITransport(app=application)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._server.handle_request(request)
        if request.url.path.endswith("/messages"):
            self.sent.append(request.content)
            if len(self.sent) <= self.lost:
                answer.close()
                raise httpx.ReadError("the connection broke")
        return answer


def test_a_lost_answer_is_asked_for_again(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    line, pauses = Unreliable(lost=2), list[float]()
    alice_phone.transport = line
    sender = talker(alice_phone, receipt_key=receipt_signer().vkey, pause=pauses.append)

    sent = sender.messenger.send(room.id, "did you get this?")

    assert len(set(line.sent)) == 1
    assert len(line.sent) == 3
    assert pauses == sorted(pauses)
    with inside(acme):
        assert Message.objects.get().message_id == sent.message_id
    assert received(bobs) == ["did you get this?"]


def test_the_same_message_again_is_one_message(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    """After a restart that forgot the answer: the text is encrypted anew, and read once."""
    room = talk.group(acme, alice, bob)
    first = alices.messenger.send(room.id, "once")
    again = alices.messenger.send(room.id, "once", message_id=first.message_id)
    alices.messenger.send(room.id, "and on")

    assert again == first
    assert received(bobs) == ["once", "and on"]


def test_a_closed_door_stays_closed(
    acme: Organisation, alice: Membership, bob: Membership, charlie_phone: Phone, alices: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    with pytest.raises(ApiProblem) as refused:
        talker(charlie_phone).messenger._relay.send_message(room.id, talk.message([alices.phone]))
    assert refused.value.status == 404


def test_the_receipt_is_checked(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    vkey = receipt_signer().vkey
    sent = talker(alice_phone, receipt_key=vkey).messenger.send(room.id, "for the record")

    receipt = read_receipt(sent.receipt, vkey)

    assert receipt.accepted_at == sent.accepted_at
    assert receipt.origin.endswith(acme.log_id)
    assert len(receipt.leaf) == 32
    name, _, rest = vkey.partition("+")
    for bad in (
        sent.receipt.replace(receipt.accepted_at, receipt.include_by),
        sent.receipt.replace("\N{EM DASH}", "-"),
        sent.receipt.partition("\n\n")[0],
    ):
        with pytest.raises(ReceiptError):
            read_receipt(bad, vkey)
    with pytest.raises(ReceiptError):
        read_receipt(sent.receipt, f"{name}x+{rest}")


def test_a_text_is_bound_to_its_message_and_its_room(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    for told in ("message_id", "room_id"):
        alices.messenger.send(room.id, "yes")
        envelope = bobs.messenger._relay.mailbox()["envelopes"][-1]

        entry = bobs.messenger.receive({**envelope, told: str(uuid4())})

        assert entry is not None
        assert entry.text is None


def test_after_what_could_not_be_read_a_new_session_heals(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    """Bob's device has lost its sessions; what it begins itself is good again."""
    room = talk.group(acme, alice, bob)
    alices.messenger.send(room.id, "hello")
    received(bobs)
    bobs.messenger.send(room.id, "hello yourself")
    assert received(alices) == ["hello yourself"]
    with inside(acme):
        Claim.objects.all().delete()
    bobs.phone.keys.peers[alices.id].sessions.clear()
    alices.messenger.send(room.id, "lost")

    assert received(bobs) == [None]
    bobs.messenger.send(room.id, "say that again?")
    assert received(alices) == ["say that again?"]
    alices.messenger.send(room.id, "with pleasure")
    assert received(bobs) == ["with pleasure"]


def test_nothing_of_a_text_reaches_the_server(
    acme: Organisation, alice: Membership, bob: Membership, alices: Talker, bobs: Talker
) -> None:
    room = talk.group(acme, alice, bob)
    alices.messenger.send(room.id, "short")
    alices.messenger.send(room.id, "not much longer than the other")

    with inside(acme):
        ciphertexts = [bytes(one.ciphertext) for one in Envelope.objects.all()]
    assert len({len(one) for one in ciphertexts}) == 1
    assert not any(b"short" in one or b"longer" in one for one in ciphertexts)
