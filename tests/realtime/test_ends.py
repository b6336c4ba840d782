"""How sockets end: 4401, 4408, 4409, and what the device sends that ends them."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import ClientConnection

from semafore.local.client.socket import DeviceSocket
from tests.cast import Phone
from tests.realtime import acts
from tests.realtime.processes import (
    OFTEN,
    PATIENCE,
    RealtimeServer,
    close_code,
    elsewhere,
    hello,
    stays_open,
    stays_quiet,
)

LARGEST = 128 * 1024


def raw(socket: DeviceSocket) -> ClientConnection:
    assert socket._connection is not None
    return socket._connection


@pytest.mark.parametrize("act", [acts.revoke, acts.suspend, acts.end])
async def test_shut_out_is_4401_at_once(
    server: RealtimeServer, alice_phone: Phone, bob_phone: Phone, act: acts.Act
) -> None:
    """By the hint alone: the process's slow poll is an hour away."""
    async with (
        server.open(await elsewhere(bob_phone.api.token)) as bobs,
        server.open(await elsewhere(alice_phone.api.token)) as alices,
    ):
        await hello(bobs)
        await hello(alices)
        await elsewhere(act, bob_phone)
        assert await close_code(bobs) == 4401
        assert await stays_open(alices)


async def test_shut_out_right_after_the_handshake_is_4401(
    server: RealtimeServer, alice_phone: Phone, bob_phone: Phone
) -> None:
    """Before the process hears the device's hints: it looks once it does."""
    async with server.open(await elsewhere(bob_phone.api.token)) as socket:
        await elsewhere(acts.suspend, bob_phone)
        await hello(socket)
        assert await close_code(socket) == 4401


async def test_a_lifted_suspension_gives_no_socket_back(
    server: RealtimeServer, polling_server: RealtimeServer, alice_phone: Phone, bob_phone: Phone
) -> None:
    async with polling_server.open(await elsewhere(bob_phone.api.token)) as socket:
        await hello(socket)
        await elsewhere(acts.suspend, bob_phone)
        await elsewhere(acts.lift, bob_phone)
        assert await close_code(socket) == 4401
    async with server.open(await elsewhere(bob_phone.api.token, renew=True)) as socket:
        await hello(socket)
        assert await stays_quiet(socket)


async def test_status_counts_by_itself(
    polling_server: RealtimeServer, alice_phone: Phone, bob_phone: Phone
) -> None:
    """Each look checks the device too, not only that its token is there."""
    async with polling_server.open(await elsewhere(bob_phone.api.token)) as socket:
        await hello(socket)
        await elsewhere(acts.forget_approval, bob_phone)
        assert await close_code(socket) == 4401


async def test_4408_comes_when_the_token_expires(
    server: RealtimeServer, alice_phone: Phone
) -> None:
    token = await elsewhere(alice_phone.api.token)
    began = time.monotonic()
    await elsewhere(acts.expire_token, alice_phone, in_seconds=acts.SOON)
    async with server.open(token) as socket:
        await hello(socket)
        assert await close_code(socket) == 4408
        assert time.monotonic() - began > acts.SOON - 0.05


async def test_a_second_socket_replaces_the_first(
    server: RealtimeServer, alice_phone: Phone
) -> None:
    first_token = await elsewhere(alice_phone.api.token)
    second_token = await elsewhere(alice_phone.api.token, renew=True)
    async with server.open(first_token) as first:
        await hello(first)
        async with server.open(second_token) as second:
            await hello(second)
            assert await close_code(first) == 4409
            # The first one's departure takes nothing from the second.
            async with server.open(first_token) as third:
                await hello(third)
                assert await close_code(second) == 4409
                await elsewhere(acts.revoke, alice_phone)
                assert await close_code(third) == 4401


async def test_a_second_socket_at_another_process_replaces_the_first(
    server: RealtimeServer, polling_server: RealtimeServer, alice_phone: Phone
) -> None:
    token = await elsewhere(alice_phone.api.token)
    async with polling_server.open(token) as first:
        await hello(first)
        async with server.open(token) as second:
            await hello(second)
            assert await close_code(first) == 4409
            async with polling_server.open(token) as third:
                await hello(third)
                assert await close_code(second) == 4409
                assert await stays_quiet(third)


@pytest.mark.parametrize("attempt", range(3))
async def test_of_sockets_opened_at_once_one_survives(
    server: RealtimeServer, polling_server: RealtimeServer, alice_phone: Phone, attempt: int
) -> None:
    """Ten at two processes: nine close with 4409 and the last, by serial, stays."""
    token = await elsewhere(alice_phone.api.token)
    sockets = [process.open(token) for process in (server, polling_server) for _ in range(5)]
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(socket) for socket in sockets))
        ends = {asyncio.create_task(_end(socket)): socket for socket in sockets}
        ended, left = set[asyncio.Task[int | None]](), set(ends)
        async with asyncio.timeout(PATIENCE):
            while len(left) > 1:
                now, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                ended |= now
        assert [one.result() for one in ended] == [4409] * 9
        (last,) = left
        # No second one closes it too.
        assert await asyncio.wait(left, timeout=1) == (set(), left)
        last.cancel()
        survivor = ends[last]
        assert (await elsewhere(acts.connection_of, alice_phone)).serial == 10
        await elsewhere(acts.revoke, alice_phone)
        assert await close_code(survivor) == 4401


async def _end(socket: DeviceSocket) -> int | None:
    """The close code, after what frames there may be."""
    while await socket.receive() is not None:
        pass
    return socket.close_code


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "ack",
        "{",
        "[]",
        "null",
        '"ack"',
        "{}",
        '{"type": 1}',
        '{"type": null}',
        b'{"type": "ack"}',
        b"",
        "[" * 100_000,
        '{"type": "x", "n": ' + "1" * 5000 + "}",
    ],
    ids=lambda sent: repr(sent[:20]),
)
async def test_malformed_is_1007(
    server: RealtimeServer, alice_phone: Phone, sent: str | bytes
) -> None:
    async with server.open(await elsewhere(alice_phone.api.token)) as socket:
        await hello(socket)
        await raw(socket).send(sent)
        assert await close_code(socket) == 1007


async def test_text_that_is_no_utf_8_is_1007(server: RealtimeServer, alice_phone: Phone) -> None:
    async with server.open(await elsewhere(alice_phone.api.token)) as socket:
        await hello(socket)
        await raw(socket).send(b'{"type": "\xff"}', text=True)
        assert await close_code(socket) == 1007


async def test_unknown_types_are_ignored(server: RealtimeServer, alice_phone: Phone) -> None:
    async with server.open(await elsewhere(alice_phone.api.token)) as socket:
        await hello(socket)
        for kind in ("", "hello", "from.the.future", "websocket.close", "__class__"):
            await socket.send({"type": kind, "envelope_ids": ["x"]})
        await raw(socket).send(json.dumps({"type": "x", "pad": "é" * 1000}, ensure_ascii=False))
        assert await stays_quiet(socket)


async def test_larger_than_128_kib_is_1009(server: RealtimeServer, alice_phone: Phone) -> None:
    token = await elsewhere(alice_phone.api.token)
    fitting = json.dumps({"type": "x", "pad": ""})
    fitting = fitting.replace('""', '"' + "a" * (LARGEST - len(fitting)) + '"')
    async with server.open(token) as socket:
        await hello(socket)
        await raw(socket).send(fitting)
        assert await stays_quiet(socket, 0.5)
        await raw(socket).send(fitting + " ")
        assert await close_code(socket) == 1009
    async with server.open(token) as socket:
        await hello(socket)
        # In parts, each of which would fit.
        await raw(socket).send([fitting[:100_000], fitting[100_000:] + " "])
        assert await close_code(socket) == 1009


async def test_who_goes_is_forgotten(server: RealtimeServer, alice_phone: Phone) -> None:
    """Fifty comings and goings, polite and not, leave one row and a process that serves."""
    token = await elsewhere(alice_phone.api.token)
    before = len(server.log.read_text())
    for number in range(50):
        async with server.open(token) as socket:
            if number % 2:
                raw(socket).transport.abort()
            else:
                await hello(socket)
    async with server.open(token) as socket:
        await hello(socket)
        assert await stays_quiet(socket, OFTEN)
        await elsewhere(acts.revoke, alice_phone)
        assert await close_code(socket) == 4401
    log = server.log.read_text()[before:]
    assert "Traceback" not in log
    assert '"exception"' not in log
