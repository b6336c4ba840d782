"""Envelopes and notices over a real socket: backlog, acks, cut lines, two processes."""

import asyncio
import threading
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from keys.selectors.credentials import token_hash
from messaging.changes_on_sockets import TOLD
from messaging.models import Envelope, NoticeKind, Room
from messaging.services.mailbox import IN_FLIGHT_MAX
from messaging.services.notices import post_notices
from orgs.models import Membership, Organisation
from realtime.looks import Looking, look
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.local.client.socket import DeviceSocket
from semafore.local.client.wire import JsonObject
from tests.cast import Phone
from tests.messaging import post, talk
from tests.realtime import acts
from tests.realtime.processes import (
    PATIENCE,
    RealtimeServer,
    becomes,
    close_code,
    elsewhere,
    hello,
    stays_quiet,
)

DRAINED = {"type": "mailbox.drained"}


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    return talk.group(acme, alice, bob)


async def following(socket: DeviceSocket) -> JsonObject:
    """The next frame whatever it is, which must come."""
    async with asyncio.timeout(PATIENCE):
        received = await socket.receive()
    assert received is not None, socket.close_code
    return received


async def backlog(socket: DeviceSocket, *, ack: bool = False) -> list[str]:
    """The envelopes until `mailbox.drained`, acknowledged as they come or not."""
    ids = []
    while (received := await following(socket)) != DRAINED:
        assert received["type"] == "envelope"
        ids.append(received["envelope_id"])
        if ack:
            await socket.acknowledge([received["envelope_id"]])
    return ids


def fill(sender: Phone, room: Room, to: Phone, count: int) -> list[UUID]:
    ids = [uuid4() for _ in range(count)]
    for message_id in ids:
        post.say(sender, room, [to], b"ciphertext", message_id=message_id)
    return ids


async def test_a_message_comes_as_a_frame_and_is_gone_with_its_ack(
    server: RealtimeServer, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    async with server.open(await elsewhere(bob_phone.api.token)) as socket:
        await hello(socket)
        assert await following(socket) == DRAINED
        body = talk.message([bob_phone])
        accepted = await elsewhere(alice_phone.api.send_message, room.id, body)
        received = await following(socket)
        (sent,) = body["envelopes"]
        assert received == {
            "type": "envelope",
            "envelope_id": received["envelope_id"],
            "message_id": body["message_id"],
            "room_id": str(room.id),
            "sender_device_id": str(alice_phone.id),
            "suite": "x3dh-25519",
            "envelope_type": "message",
            "ciphertext": sent["ciphertext"],
            "accepted_at": accepted["accepted_at"],
        }
        # Under way, so not by REST.
        assert (await elsewhere(post.mailbox, bob_phone))["envelopes"] == []
        await socket.acknowledge([received["envelope_id"], str(uuid4())])
        await becomes(0, acts.waiting, bob_phone)
        assert await stays_quiet(socket, 0.3)


async def test_the_backlog_comes_in_order_then_drained_once_then_notices(
    server: RealtimeServer, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    said = await elsewhere(fill, alice_phone, room, bob_phone, 70)
    await elsewhere(tell, bob_phone)
    token = await elsewhere(bob_phone.api.token)
    for _ in range(2):
        async with server.open(token) as socket:
            await hello(socket)
            frames = [await following(socket) for _ in range(72)]
            envelopes = [frame for frame in frames if frame["type"] == "envelope"]
            assert [frame["message_id"] for frame in envelopes] == [str(one) for one in said]
            assert frames.index(DRAINED) == frames.index(envelopes[-1]) + 1
            # Told at once, and again on the next connection, for this one doesn't hold on.
            assert sum(frame["type"] == "membership.updated" for frame in frames) == 1
            assert await stays_quiet(socket, 0.3)


def tell(phone: Phone) -> None:
    with acts.inside(phone):
        post_notices(device_ids=[phone.id], kind=NoticeKind.MEMBERSHIP_UPDATED)


async def test_a_line_cut_between_frame_and_ack_brings_the_same_envelopes_again(
    server: RealtimeServer, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    await elsewhere(fill, alice_phone, room, bob_phone, 100)
    token = await elsewhere(bob_phone.api.token)
    async with server.open(token) as socket:
        await hello(socket)
        first = await backlog(socket)
        socket._open_connection.transport.abort()
    assert len(set(first)) == 100
    async with server.open(token) as socket:
        await hello(socket)
        # Drained after all of them, though all of them had been under way before.
        assert await backlog(socket) == first
        await socket.acknowledge(first[:99])
        await becomes(1, acts.waiting, bob_phone)
    async with server.open(token) as socket:
        await hello(socket)
        assert await backlog(socket) == first[99:]


async def test_an_ack_counts_even_if_the_socket_closes_behind_it(
    server: RealtimeServer, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    token = await elsewhere(bob_phone.api.token)
    for _ in range(10):
        await elsewhere(fill, alice_phone, room, bob_phone, 1)
        async with server.open(token) as socket:
            await hello(socket)
            await socket.acknowledge(await backlog(socket))
        await becomes(0, acts.waiting, bob_phone)


async def test_256_are_under_way_and_the_rest_follow_as_acks_come(
    server: RealtimeServer, room: Room, alice_phone: Phone, bob_phone: Phone, alice: Membership
) -> None:
    # Two devices: one alone may send 240 a minute.
    await elsewhere(fill, alice_phone, room, bob_phone, 150)
    await elsewhere(fill, bob_phone, room, alice_phone, 1)
    tablet = await elsewhere(acts.another, alice)
    await elsewhere(say_from, tablet, room, bob_phone, alice_phone, 150)
    async with server.open(await elsewhere(bob_phone.api.token)) as socket:
        await hello(socket)
        ids = [(await following(socket))["envelope_id"] for _ in range(IN_FLIGHT_MAX)]
        assert len(set(ids)) == IN_FLIGHT_MAX
        # Neither more nor drained: others wait.
        assert await stays_quiet(socket, 0.3)
        await socket.acknowledge(ids[:10])
        more = [(await following(socket))["envelope_id"] for _ in range(10)]
        assert await stays_quiet(socket, 0.3)
        await socket.acknowledge(ids[10:])
        rest = await backlog(socket, ack=True)
        await socket.acknowledge(more)
        await becomes(0, acts.waiting, bob_phone)
        assert len({*ids, *more, *rest}) == 300


def say_from(sender: Phone, room: Room, to: Phone, other: Phone, count: int) -> None:
    for _ in range(count):
        post.say(sender, room, [to, other], b"ciphertext")


@pytest.mark.parametrize(
    "ids", [None, "x", [1], ["x"], [["x"]], [str(UUID(int=1))] * 257, {"a": 1}], ids=range(7)
)
async def test_a_malformed_ack_is_1007(
    server: RealtimeServer, alice_phone: Phone, ids: object
) -> None:
    async with server.open(await elsewhere(alice_phone.api.token)) as socket:
        await hello(socket)
        await socket.send({"type": "ack", "envelope_ids": [str(uuid4())] * 256})
        assert await stays_quiet(socket, 0.2)
        await socket.send({"type": "ack", "envelope_ids": ids})
        assert await close_code(socket) == 1007


async def test_a_socket_in_another_process_takes_over_what_is_under_way(
    server: RealtimeServer, polling_server: RealtimeServer, room: Room, alice_phone: Phone,
    bob_phone: Phone,
) -> None:  # fmt: skip
    await elsewhere(fill, alice_phone, room, bob_phone, 40)
    token = await elsewhere(bob_phone.api.token)
    async with server.open(token) as older:
        await hello(older)
        ids = await backlog(older)
        async with polling_server.open(token) as newer:
            await hello(newer)
            assert await close_code(older) == 4409
            assert await backlog(newer) == ids
            await newer.acknowledge(ids)
            await becomes(0, acts.waiting, bob_phone)
            assert await stays_quiet(newer, 0.5)


async def test_a_revocation_empties_the_mailbox_of_an_open_socket(
    server: RealtimeServer, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    async with server.open(await elsewhere(bob_phone.api.token)) as socket:
        await hello(socket)
        await elsewhere(fill, alice_phone, room, bob_phone, 1)
        assert (await following(socket)) == DRAINED
        assert (await following(socket))["type"] == "envelope"
        await elsewhere(acts.revoke, bob_phone)
        assert await close_code(socket) == 4401
    assert await elsewhere(acts.waiting, bob_phone) == 0


async def test_what_others_held_during_a_look_comes_without_another_hint(
    server: RealtimeServer, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    await elsewhere(fill, alice_phone, room, bob_phone, 2)
    held, release = threading.Event(), threading.Event()
    holding = asyncio.create_task(elsewhere(hold, bob_phone, held, release))
    assert await asyncio.to_thread(held.wait, PATIENCE)
    async with server.open(await elsewhere(bob_phone.api.token)) as socket:
        await hello(socket)
        # Not drained either.
        assert await stays_quiet(socket, 0.5)
        release.set()
        await holding
        assert len(await backlog(socket)) == 2


def hold(phone: Phone, held: threading.Event, release: threading.Event) -> None:
    """Lock what waits for the phone until told otherwise."""
    with acts.inside(phone), transaction.atomic():
        assert list(Envelope.objects.select_for_update().filter(device_id=phone.id))
        held.set()
        release.wait(2 * PATIENCE)


def test_what_a_failed_look_noted_is_told_by_the_next(
    room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    """Its transaction may have taken place, and only the word of it got lost."""
    fill(alice_phone, room, bob_phone, 3)
    tell(bob_phone)
    token = bob_phone.api.token()
    serial = post.connect(bob_phone)

    def seen(*, unsure: bool) -> list[str]:
        looking = Looking(
            device_id=bob_phone.id,
            token_hash=token_hash(token),
            serial=serial,
            ready=True,
            unsure=unsure,
            keys=False,
            told={TOLD: 2**62},
        )
        with acts.inside(bob_phone), acting_as(SYSTEM):
            return [frame["type"] for frame in look([looking], []).frames[bob_phone.id]]

    everything = [*["envelope"] * 3, "mailbox.drained", "membership.updated"]
    assert seen(unsure=False) == everything
    assert seen(unsure=False) == ["mailbox.drained"]
    assert seen(unsure=True) == everything
