"""Who gets a socket, and what it hears first."""

from datetime import datetime

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from semafore.kernel import clock
from tests.cast import Phone
from tests.realtime import acts
from tests.realtime.processes import RealtimeServer, close_code, elsewhere, hello, stays_quiet


@pytest.mark.parametrize("by_subprotocol", [False, True])
async def test_hello_comes_first(
    server: RealtimeServer, alice_phone: Phone, *, by_subprotocol: bool
) -> None:
    token = await elsewhere(alice_phone.api.token)
    began = clock.now()
    async with server.open(token, by_subprotocol=by_subprotocol) as socket:
        received = await hello(socket)
        assert received.keys() >= {"type", "server_time"}
        said = datetime.fromisoformat(received["server_time"])
        assert began <= said <= clock.now()
        assert await stays_quiet(socket)


async def test_the_subprotocol_is_answered_and_the_token_never_echoed(
    server: RealtimeServer, alice_phone: Phone
) -> None:
    token = await elsewhere(alice_phone.api.token)
    pair = [Subprotocol("semafore.v1"), Subprotocol(token)]
    async with connect(server.url, subprotocols=pair, proxy=None) as socket:
        assert socket.subprotocol == "semafore.v1"
        assert socket.response is not None
        assert token not in str(socket.response.headers)
    header = {"Authorization": f"bearer {token}"}
    async with connect(server.url, additional_headers=header, proxy=None) as socket:
        assert socket.subprotocol is None
    assert token not in server.log.read_text()


@pytest.mark.parametrize(
    ("headers", "subprotocols"),
    [
        ({}, None),
        ({"Authorization": "Bearer"}, None),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, None),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, ["semafore.v1", "sfd_x"]),
        ({}, ["semafore.v1"]),
        ({}, ["sfd_x"]),
        ({}, ["sfd_x", "semafore.v1"]),
        ({}, ["semafore.v2", "sfd_x"]),
        ({}, ["semafore.v1", "sfd_x", "sfd_y"]),
    ],
)
async def test_without_a_token_there_is_no_handshake(
    server: RealtimeServer, headers: dict[str, str], subprotocols: list[str] | None
) -> None:
    offered = [Subprotocol(word) for word in subprotocols] if subprotocols else None
    with pytest.raises(InvalidStatus) as refused:
        await connect(server.url, additional_headers=headers, subprotocols=offered, proxy=None)
    assert refused.value.response.status_code == 403


async def test_there_is_one_socket_and_one_page(server: RealtimeServer, alice_phone: Phone) -> None:
    token = await elsewhere(alice_phone.api.token)
    header = {"Authorization": f"Bearer {token}"}
    for path in ("/ws/mobile/", "/ws", "/ws/mobile/x", "/api/mobile/me"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                server.url.replace("/ws/mobile", path), additional_headers=header, proxy=None
            )
        assert refused.value.response.status_code == 403
    async with httpx.AsyncClient(base_url=server.http, trust_env=False) as client:
        assert (await client.get("/healthz")).text == "ok\n"
        for path in ("/", "/ws/mobile", "/api/mobile/me", "/readyz"):
            assert (await client.get(path, headers=header)).status_code == 404


@pytest.mark.parametrize("by_subprotocol", [False, True])
async def test_an_unknown_token_is_4401(
    server: RealtimeServer, committed: None, *, by_subprotocol: bool
) -> None:
    async with server.open("sfd_nobody-ever-had-this", by_subprotocol=by_subprotocol) as socket:
        assert await close_code(socket) == 4401


async def test_an_expired_token_is_4408(server: RealtimeServer, alice_phone: Phone) -> None:
    token = await elsewhere(alice_phone.api.token)
    await elsewhere(acts.expire_token, alice_phone, in_seconds=-1)
    async with server.open(token) as socket:
        assert await close_code(socket) == 4408


@pytest.mark.parametrize("act", [acts.revoke, acts.suspend, acts.end, acts.forget_approval])
async def test_who_was_shut_out_is_4401(
    server: RealtimeServer, alice_phone: Phone, bob_phone: Phone, act: acts.Act
) -> None:
    token = await elsewhere(bob_phone.api.token)
    await elsewhere(act, bob_phone)
    async with server.open(token) as socket:
        assert await close_code(socket) == 4401


async def test_opening_is_no_act(server: RealtimeServer, alice_phone: Phone) -> None:
    """Connecting is transport state: a row about the device, and no event."""
    token = await elsewhere(alice_phone.api.token)
    events = await elsewhere(acts.events_of, alice_phone)
    for serial in (1, 2, 3):
        began = clock.now()
        async with server.open(token) as socket:
            await hello(socket)
            row = await elsewhere(acts.connection_of, alice_phone)
            assert row.serial == serial
            assert began <= row.connected_at <= clock.now()
    assert await elsewhere(acts.events_of, alice_phone) == events
