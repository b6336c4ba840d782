"""Sockets end while the server is closed, and not a moment longer."""

import asyncio
import math
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections

from realtime import closing
from realtime.handshake import ServerClosedError, open_for
from semafore.kernel.actor import SYSTEM
from semafore.kernel.closing import CLOSING, Closure
from semafore.kernel.problems import Unavailable
from tests.cast import Phone
from tests.realtime.processes import elsewhere

CLOSED = Closure(Unavailable(retry_after=2), everybody=False)


async def test_who_comes_back_while_others_are_ended_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of closure, as after a failover, in a process where somebody always connects."""
    closed = SimpleNamespace(closure=CLOSED)
    ended: list[Any] = []
    begun = asyncio.Event()

    def end(socket: Any, _code: int) -> None:
        ended.append(socket)
        if len(ended) == 2 * closing.TOGETHER:
            begun.set()

    async def here(ask: Callable[[], Closure | None]) -> Closure | None:
        return ask()

    monkeypatch.setattr(closing, "in_database", here)
    monkeypatch.setattr(closing, "CLOSING", SimpleNamespace(closure=lambda: closed.closure))
    monkeypatch.setattr(closing, "ASKED_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(closing, "APART_SECONDS", 0.01)
    sockets: list[Any] = [object() for _ in range(3 * closing.TOGETHER)]
    task = asyncio.create_task(closing.close_while_closed(lambda: list(sockets), end))
    try:
        await asyncio.wait_for(begun.wait(), 60)
        closed.closure = None
        await asyncio.sleep(0.05)
        before = len(ended)
        await asyncio.sleep(0.2)
        assert len(ended) == before
    finally:
        task.cancel()


def test_a_socket_is_not_opened_on_a_database_that_nobody_asked(committed: None) -> None:
    """Within the second after the last answer the database became another one."""
    assert CLOSING.closure() is None
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]  # of Django's PostgreSQL alone
    CLOSING.register(lambda: CLOSED)
    try:
        with pytest.raises(ServerClosedError):
            open_for("sfd_nobody", SYSTEM, until=math.inf)
    finally:
        CLOSING._reasons.pop()
        CLOSING.ask_anew()


async def test_who_gave_up_waiting_for_the_database_takes_no_place(alice_phone: Phone) -> None:
    """Else it would close the socket of whoever came back sooner, for good."""
    token = await elsewhere(alice_phone.api.token)
    with pytest.raises(TimeoutError):
        await elsewhere(open_for, token, SYSTEM, until=time.monotonic() - 0.001)
    opened = await elsewhere(open_for, token, SYSTEM, until=math.inf)
    assert opened.serial == 1
