"""The realtime process as production runs it: a real uvicorn, on a free port."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import connection

from semafore.local.client.socket import DeviceSocket
from semafore.local.client.wire import JsonObject
from semafore.local.servers import ROOT, environment
from tests.deployment import free_port
from tests.docs.frames import check_frame

P = ParamSpec("P")
R = TypeVar("R")

NEVER = 3600.0
"""A slow poll that doesn't come during a test: what happens then, hints did."""
OFTEN = 0.2
PATIENCE = 60.0
"""Seconds for what comes in milliseconds."""
# As in Procfile.
OPTIONS = (
    "--ws", "websockets-sansio", "--ws-max-size", "131072", "--ws-per-message-deflate", "false",
    "--ws-ping-interval", "20", "--ws-ping-timeout", "40", "--timeout-graceful-shutdown", "3",
    "--no-access-log", "--no-server-header",
)  # fmt: skip


@dataclass(frozen=True)
class RealtimeServer:
    """A running process."""

    port: int
    log: Path

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/mobile"

    def open(self, token: str, *, by_subprotocol: bool = False) -> DeviceSocket:
        return CheckedSocket(self.url, token, by_subprotocol=by_subprotocol)


class CheckedSocket(DeviceSocket):
    """Holds each frame that comes against the schema that clients are given."""

    async def receive(self) -> JsonObject | None:
        received = await super().receive()
        if received is not None:
            check_frame(received)
        return received


def database_url() -> str:
    """The test database, for another process."""
    name = connection.settings_dict["NAME"]
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()


@contextmanager
def realtime_server(
    folder: Path, *, poll_seconds: float, redis_url: str = "", database: str = ""
) -> Iterator[RealtimeServer]:
    port = free_port()
    server = RealtimeServer(port, folder / f"realtime-{port}.log")
    env = environment(
        DATABASE_URL=database or database_url(),
        REDIS_URL=redis_url or settings.REDIS_URL,
        SECRET_KEY=settings.SECRET_KEY,
        POLL_SECONDS=str(poll_seconds),
    )
    application = "tests.realtime.application:application"
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), *OPTIONS]
    with server.log.open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
        try:
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def _wait_for(server: RealtimeServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{server.http}/healthz", trust_env=False).raise_for_status()
        except httpx.TransportError:
            assert process.poll() is None, server.log.read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError(server.log.read_text())


async def elsewhere(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run something that uses the database in a thread, whose connection is handed back."""

    def run() -> R:
        try:
            return function(*args, **kwargs)
        finally:
            if threading.current_thread() is not threading.main_thread():
                connection.close()

    return await asyncio.to_thread(run)


async def becomes(expected: R, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
    """Wait until a look at the database gives this."""
    deadline = time.monotonic() + PATIENCE
    while (found := await elsewhere(function, *args, **kwargs)) != expected:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)


async def news(opened: DeviceSocket) -> JsonObject | None:
    """The next frame but for `mailbox.drained`, which each socket gets once; None at its end."""
    while (received := await opened.receive()) is not None:
        if received["type"] != "mailbox.drained":
            break
    return received


async def frame(opened: DeviceSocket, within: float = PATIENCE) -> JsonObject:
    """The next news, which must come."""
    async with asyncio.timeout(within):
        received = await news(opened)
    assert received is not None, f"closed with {opened.close_code}"
    return received


async def hello(opened: DeviceSocket) -> JsonObject:
    """The first frame."""
    received = await frame(opened)
    assert received["type"] == "hello"
    return received


async def close_code(opened: DeviceSocket, within: float = PATIENCE) -> int | None:
    """How the socket ends, which it must, without news but of what became of others."""
    async with asyncio.timeout(within):
        while (received := await news(opened)) and received["type"] == "changes":
            pass
    assert received is None, received
    return opened.close_code


async def stays_open(opened: DeviceSocket, seconds: float = 1.0) -> bool:
    """Whether it does, and nothing comes but that the feed has something: who else is gone."""
    try:
        async with asyncio.timeout(seconds):
            while (received := await news(opened)) and received["type"] == "changes":
                pass
    except TimeoutError:
        return True
    return False


async def stays_quiet(opened: DeviceSocket, seconds: float = 1.0) -> bool:
    """Whether the socket stays open and nothing comes for so long."""
    try:
        async with asyncio.timeout(seconds):
            await news(opened)
    except TimeoutError:
        return True
    return False
