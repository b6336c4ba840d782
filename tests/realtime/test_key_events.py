"""What a device is told of its keys, and how often."""

from datetime import timedelta

from keys.errors import SignedPreKeyExpired
from orgs.models import Membership, Organisation
from semafore.local.client.socket import DeviceSocket
from semafore.local.client.wire import JsonObject
from tests import cast
from tests.cast import Phone
from tests.realtime import acts
from tests.realtime.processes import (
    OFTEN,
    RealtimeServer,
    elsewhere,
    frame,
    hello,
    stays_quiet,
)

LOW = "key_bundle.replenishment_needed"
EXPIRED = "key_bundle.signed_pre_key_expired"
DUE = "key_bundle.rotation_due"
MANY_POLLS = 6 * OFTEN


def low(available: int) -> JsonObject:
    return {"type": LOW, "available": available, "threshold": 5}


def rotate(phone: Phone) -> None:
    phone.api.rotate(phone.keys.rotate_signed_pre_key().to_public_json())


async def opened(server: RealtimeServer, phone: Phone) -> DeviceSocket:
    return server.open(await elsewhere(phone.api.token))


async def test_low_stock_is_told_on_connect(
    polling_server: RealtimeServer, alice: Membership
) -> None:
    phone = await elsewhere(cast.phone, alice, one_time_pre_keys=4)
    for _ in range(2):
        async with await opened(polling_server, phone) as socket:
            await hello(socket)
            assert await frame(socket) == low(4)
            assert await stays_quiet(socket, MANY_POLLS)


async def test_enough_stock_is_not_told(polling_server: RealtimeServer, alice: Membership) -> None:
    phone = await elsewhere(cast.phone, alice, one_time_pre_keys=5)
    async with await opened(polling_server, phone) as socket:
        await hello(socket)
        assert await stays_quiet(socket, MANY_POLLS)


async def test_32_claims_at_once_are_told_of_once(
    server: RealtimeServer, polling_server: RealtimeServer, acme: Organisation, alice: Membership
) -> None:
    """By the hint, by the poll, and with both at it: each time one event, not none, not two."""
    claimants = [
        await elsewhere(cast.phone, await elsewhere(cast.member, acme, f"Claimant {number}"))
        for number in range(8)
    ]
    for process in (server, polling_server, polling_server, polling_server):
        phone = await elsewhere(cast.phone, alice, one_time_pre_keys=20)
        async with await opened(process, phone) as socket:
            await hello(socket)
            taken = await elsewhere(acts.claim_at_once, claimants * 4, phone.id)
            assert sorted(key for key in taken if isinstance(key, int)) == list(range(1, 21))
            assert taken.count(None) == 12
            told = await frame(socket)
            assert told["type"] == LOW
            assert told["available"] < 5
            assert await stays_quiet(socket, MANY_POLLS)


async def test_a_second_crossing_is_told_again(
    server: RealtimeServer, alice_phone: Phone, bob_phone: Phone
) -> None:
    """Nobody looks between the refill and the next crossing, and yet it is another shortage."""
    async with await opened(server, alice_phone) as socket:
        await hello(socket)
        for _ in range(2):
            for _ in range(16):
                await elsewhere(acts.claim_once, bob_phone, alice_phone.id)
                await elsewhere(acts.forget_claims, alice_phone)
            assert await frame(socket) == low(4)
            batch = alice_phone.keys.make_one_time_pre_keys(16)
            await elsewhere(alice_phone.api.publish, batch)


async def test_an_expired_signed_pre_key_is_told_on_connect(
    polling_server: RealtimeServer, alice_phone: Phone
) -> None:
    await elsewhere(acts.age_signed_pre_key, alice_phone, left=timedelta(seconds=-1))
    async with await opened(polling_server, alice_phone) as socket:
        await hello(socket)
        assert await frame(socket) == {"type": EXPIRED}
        assert await stays_quiet(socket, MANY_POLLS)


async def test_a_due_rotation_is_told_on_connect_and_not_after_it(
    polling_server: RealtimeServer, alice_phone: Phone
) -> None:
    await elsewhere(acts.age_signed_pre_key, alice_phone, left=timedelta(hours=23))
    status = await elsewhere(alice_phone.api.status)
    due = {"type": DUE, "expires_at": status["signed_pre_key"]["expires_at"]}
    async with await opened(polling_server, alice_phone) as socket:
        await hello(socket)
        assert await frame(socket) == due
        assert await stays_quiet(socket, MANY_POLLS)
        await elsewhere(rotate, alice_phone)
        assert await stays_quiet(socket, MANY_POLLS)
    async with await opened(polling_server, alice_phone) as socket:
        await hello(socket)
        assert await stays_quiet(socket, MANY_POLLS)


async def test_a_rotation_with_more_than_a_day_to_go_is_not_due(
    server: RealtimeServer, alice_phone: Phone
) -> None:
    await elsewhere(acts.age_signed_pre_key, alice_phone, left=timedelta(hours=24, minutes=1))
    async with await opened(server, alice_phone) as socket:
        await hello(socket)
        assert await stays_quiet(socket)


async def test_the_poll_tells_of_what_falls_due_meanwhile(
    polling_server: RealtimeServer, alice_phone: Phone
) -> None:
    """No hint comes of the passing of time: due, then expired, each once."""
    async with await opened(polling_server, alice_phone) as socket:
        await hello(socket)
        await elsewhere(acts.age_signed_pre_key, alice_phone, left=timedelta(seconds=acts.SOON))
        assert (await frame(socket))["type"] == DUE
        assert await frame(socket) == {"type": EXPIRED}
        assert await stays_quiet(socket, MANY_POLLS)


async def test_the_sweep_tells_of_a_due_rotation(
    server: RealtimeServer, alice_phone: Phone
) -> None:
    async with await opened(server, alice_phone) as socket:
        await hello(socket)
        await elsewhere(acts.age_signed_pre_key, alice_phone, left=timedelta(hours=1))
        await elsewhere(acts.sweep, alice_phone)
        assert (await frame(socket))["type"] == DUE


async def test_each_refusal_is_told(
    server: RealtimeServer, alice_phone: Phone, bob_phone: Phone
) -> None:
    """The seed's failure mode: the sender gets 428, the owner's open socket is told to rotate."""
    await elsewhere(acts.age_signed_pre_key, alice_phone, left=timedelta(seconds=-1))
    async with await opened(server, alice_phone) as socket:
        await hello(socket)
        assert await frame(socket) == {"type": EXPIRED}
        # It has looked, so hints are heard from now on.
        assert await socket.receive() == {"type": "mailbox.drained"}
        for _ in range(3):
            outcome = await elsewhere(acts.claim_once, bob_phone, alice_phone.id)
            assert isinstance(outcome, SignedPreKeyExpired)
            assert await frame(socket) == {"type": EXPIRED}
        await elsewhere(rotate, alice_phone)
        assert await elsewhere(acts.claim_once, bob_phone, alice_phone.id) == 1
        assert await stays_quiet(socket)


async def test_hints_reach_their_device_only(
    server: RealtimeServer, alice_phone: Phone, bob_phone: Phone, charlie_phone: Phone
) -> None:
    async with (
        await opened(server, alice_phone) as alices,
        await opened(server, bob_phone) as bobs,
        await opened(server, charlie_phone) as charlies,
    ):
        for socket in (alices, bobs, charlies):
            await hello(socket)
        for _ in range(16):
            await elsewhere(acts.claim_once, bob_phone, alice_phone.id)
        assert await frame(alices) == low(4)
        assert await stays_quiet(bobs)
        assert await stays_quiet(charlies)
