"""What sockets hear of maintenance, and how they end when it closes the server."""

import asyncio
import time
from dataclasses import replace
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.models import MaintenanceWindow, Organisation
from orgs.services.maintenance import cancel_window, change_window, end_window
from orgs.tasks import tell_of_maintenance
from realtime.maintenance import tell_maintenance
from semafore.kernel import clock, hooks
from semafore.local.client.socket import DeviceSocket
from tests.cast import Phone, inside
from tests.orgs.maintenance.windows import announced, as_operator, plan
from tests.realtime.processes import (
    PATIENCE,
    RealtimeServer,
    elsewhere,
    frame,
    hello,
    news,
    stays_quiet,
)

TRY_AGAIN_LATER = 1013


def announce(**more: Any) -> MaintenanceWindow:
    window = announced(**more)
    tell_of_maintenance()
    return window


def brief(window: MaintenanceWindow) -> dict[str, str]:
    return {
        "id": str(window.id),
        "kind": window.kind,
        "starts_at": clock.rfc3339(window.starts_at),
        "ends_at": clock.rfc3339(window.ends_at),
    }


def scheduled(*windows: MaintenanceWindow) -> dict[str, Any]:
    return {"type": "maintenance.scheduled", "maintenance": [brief(one) for one in windows]}


async def test_an_open_socket_hears_of_each_change(
    server: RealtimeServer, acme: Organisation, alice_phone: Phone
) -> None:
    def put_off(window: MaintenanceWindow) -> MaintenanceWindow:
        with as_operator():
            later = replace(plan(hours=200), summary=window.summary)
            changed = change_window(window_id=window.id, plan=later)
            tell_of_maintenance()
        return changed

    def call_off(window: MaintenanceWindow) -> None:
        with as_operator():
            cancel_window(window_id=window.id, reason="No need.")
            tell_of_maintenance()

    token = await elsewhere(alice_phone.api.token)
    async with server.open(token) as socket:
        await hello(socket)
        window = await elsewhere(announce)
        assert await frame(socket) == scheduled(window)
        second = await elsewhere(announce, hours=100)
        assert await frame(socket) == scheduled(window, second)
        window = await elsewhere(put_off, window)
        assert await frame(socket) == scheduled(second, window)
        await elsewhere(call_off, window)
        assert await frame(socket) == scheduled(second)
        await elsewhere(call_off, second)
        assert await frame(socket) == scheduled()
        assert await stays_quiet(socket)


async def test_who_connects_hears_of_what_is_ahead(
    server: RealtimeServer, acme: Organisation, alice_phone: Phone
) -> None:
    window = await elsewhere(announce)
    token = await elsewhere(alice_phone.api.token)
    async with server.open(token) as socket:
        await hello(socket)
        assert await frame(socket) == scheduled(window)


async def code_of_opening(server: RealtimeServer, token: str) -> int | None:
    """How a new socket ends; None: it got a hello."""
    async with server.open(token) as socket:
        received = await socket.receive()
        return socket.close_code if received is None else None


async def ended(socket: DeviceSocket) -> int | None:
    """How it ends; a look that comes before the end may tell of the window."""
    async with asyncio.timeout(PATIENCE):
        while received := await news(socket):
            assert received["type"] == "maintenance.scheduled"
    return socket.close_code


async def test_sockets_end_when_it_closes_the_server_and_come_back(
    server: RealtimeServer,
    polling_server: RealtimeServer,
    acme: Organisation,
    alice_phone: Phone,
    bob_phone: Phone,
) -> None:
    def end(window: MaintenanceWindow) -> None:
        with as_operator():
            end_window(window_id=window.id)

    tokens = [await elsewhere(one.api.token) for one in (alice_phone, bob_phone)]
    async with server.open(tokens[0]) as first, server.open(tokens[1]) as second:
        await hello(first)
        await hello(second)
        # Nobody is told, so that nothing but the clock closes them.
        window = await elsewhere(announced, hours=0, emergency_reason="A disk fails.")
        codes = [await ended(one) for one in (first, second)]
        assert codes == [TRY_AGAIN_LATER] * 2
        assert await code_of_opening(server, tokens[0]) == TRY_AGAIN_LATER
        assert await code_of_opening(server, "sfd_nobody") == TRY_AGAIN_LATER
    await elsewhere(end, window)
    # The other process too, or it would refuse a later test for up to a second.
    for process in (server, polling_server):
        deadline = time.monotonic() + PATIENCE
        while await code_of_opening(process, tokens[0]) is not None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


class Look:
    """Open sockets that look again and again."""

    def __init__(self, of: Organisation, *phones: Phone) -> None:
        self.of = of
        self.sockets = [
            hooks.OpenSocket(one.id, one.device.membership_id, 1, ready=True, unsure=False, told={})
            for one in phones
        ]

    def told(self, asking: int) -> tuple[list[int], int]:
        """Whom it was told of those who look, by number, when the first so many ask; statements."""
        look = hooks.SocketsLook(self.sockets)
        ids = [one.device_id for one in self.sockets]
        with inside(self.of), CaptureQueriesContext(connection) as captured:
            tell_maintenance(look, set(ids[:asking]))
        return [ids.index(device_id) for device_id in look.frames], len(captured)


def test_one_statement_for_all_and_none_where_nobody_asks(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    look = Look(acme, alice_phone, bob_phone)
    assert look.told(2) == ([], 1)
    announced()
    assert look.told(0) == ([], 0)
    assert look.told(1) == ([0], 1)
    assert look.told(2) == ([1], 1)
    assert look.told(2) == ([], 1)
