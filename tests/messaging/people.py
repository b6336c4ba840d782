"""People who talk: devices with real sessions, over REST and over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from messaging.models import Room
from semafore.local.client.content import Entry
from semafore.local.client.conversations import Messenger
from semafore.local.client.keyfile import HeldKeys
from semafore.local.client.socket import stay_connected
from semafore.local.client.wire import JsonObject
from tests.cast import Phone
from tests.realtime.processes import PATIENCE, RealtimeServer, elsewhere


@dataclass
class Talker:
    """A device that talks."""

    phone: Phone
    messenger: Messenger
    frames: asyncio.Queue[JsonObject] = field(default_factory=asyncio.Queue)
    """What came over its socket, each envelope once it was stored and acknowledged."""

    @property
    def id(self) -> UUID:
        return self.phone.id

    @property
    def entries(self) -> list[Entry]:
        """All that it has received."""
        return self.phone.keys.history

    @property
    def texts(self) -> list[str | None]:
        return [entry.text for entry in self.entries]

    async def say(self, room: Room, text: str) -> None:
        """Send while the event loop goes on."""
        await elsewhere(self.messenger.send, room.id, text)

    async def frame(self, kind: str) -> JsonObject:
        """The next frame of this type, which must come; others are passed over."""
        async with asyncio.timeout(PATIENCE):
            while (frame := await self.frames.get())["type"] != kind:
                pass
        return frame

    async def hears(self, texts: Sequence[str]) -> None:
        """Wait until it has received so many texts, and no other, in this order."""
        while len(self.texts) < len(texts):
            await self.frame("envelope")
        assert self.texts == list(texts)


def talker(phone: Phone, **options: Any) -> Talker:
    """The device, talking."""
    return Talker(phone, Messenger(phone.api, HeldKeys(phone.keys), **options))


@asynccontextmanager
async def connected(server: RealtimeServer, *talkers: Talker) -> AsyncIterator[None]:
    """All of them on their sockets, the backlog behind them."""
    async with AsyncExitStack() as stack:
        for one in talkers:
            await stack.enter_async_context(_on_socket(server, one))
        for one in talkers:
            await one.frame("mailbox.drained")
        yield


@asynccontextmanager
async def _on_socket(server: RealtimeServer, one: Talker) -> AsyncIterator[None]:
    token = await elsewhere(one.phone.api.token)

    async def listen() -> None:
        frames = stay_connected(server.url, lambda _renew: token, store=one.messenger.receive)
        async with aclosing(frames):
            async for frame in frames:
                one.frames.put_nowait(frame)

    task = asyncio.create_task(listen())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
