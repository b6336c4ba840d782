"""One device's socket: opening, frames in, frames out, end."""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic, perf_counter
from typing import Any
from uuid import UUID

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.db import Error as DatabaseUnusable

from keys.errors import TokenExpired
from realtime import frames
from realtime.database import in_database
from realtime.frames import Frame, KeyNews, MalformedFrameError
from realtime.handshake import Opening, ServerClosedError, open_for, origin_of, read_offer
from realtime.hub import Hub
from semafore.kernel.actor import Actor
from semafore.kernel.logs import ACCESS
from semafore.kernel.problems import NotAuthenticated

Message = dict[str, Any]

OPENING_SECONDS = 5.0
"""Well within a client's own patience: it hears "try again later" when the database is away."""

NO_HANDSHAKE = 403
"""Of HTTP: what a close before the handshake is answered with."""

HUB = Hub()

logger = logging.getLogger(ACCESS)


class DeviceConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels ships no types
    """The socket of one device (docs/socket.md). Idle, it costs one task and a few objects."""

    organisation_id: UUID
    device_id: UUID
    token_hash: bytes
    serial: int
    actor: Actor

    def __init__(self) -> None:
        self.news = KeyNews()
        self.told: dict[str, Any] = {}
        self.busy = False
        self._open = False
        self._began = perf_counter()
        self._code: int | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def dispatch(self, message: Message) -> None:
        """Channels' own without its thread switch a frame: `in_database` tidies up after itself."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: Message) -> None:
        """Open it; without a token there is no handshake (HTTP 403), else a code says why not."""
        del message
        offer = read_offer(self.scope)
        if offer is None:
            self._code = NO_HANDSHAKE
            await self.send({"type": "websocket.close"})
            return
        opening: Opening | None = None
        code = frames.REPLACED
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                until = monotonic() + OPENING_SECONDS
                origin = origin_of(self.scope)
                opening = await in_database(open_for, offer.token, origin, until=until)
        except NotAuthenticated:
            code = frames.REVOKED
        except TokenExpired:
            code = frames.TOKEN_EXPIRED
        except (DatabaseUnusable, TimeoutError, ServerClosedError):
            code = frames.TRY_AGAIN_LATER
        await self.send({"type": "websocket.accept", "subprotocol": offer.subprotocol})
        self._open = True
        if opening is None or opening.replaced:
            await self.finish(code)
        else:
            await self._begin(opening)

    async def _begin(self, opening: Opening) -> None:
        self.organisation_id = opening.organisation_id
        self.device_id = opening.device_id
        self.token_hash = opening.token_hash
        self.serial = opening.serial
        self.actor = opening.actor
        self.told = opening.told
        due = self.news.frames(opening.keys) if opening.keys is not None else []
        await self.push([frames.hello(opening.hello), *due])
        if not self._open:
            HUB.release(self)
            return
        self._expiry = asyncio.get_running_loop().call_later(
            max(0.0, opening.seconds_left), HUB.end, self, frames.TOKEN_EXPIRED
        )
        HUB.join(self)

    async def websocket_receive(self, message: Message) -> None:
        """A frame of the device. Types that this server doesn't know are ignored."""
        try:
            frame = frames.decode(message.get("text"))
        except MalformedFrameError:
            await self.finish(frames.MALFORMED)
            return
        await HUB.hear(self, frame)

    async def websocket_disconnect(self, message: Message) -> None:
        """It is closed, by whichever side."""
        self._gone()
        line = {
            "route": "ws/mobile",
            "status": self._code or message.get("code"),
            "milliseconds": round((perf_counter() - self._began) * 1000, 1),
        }
        if (organisation_id := getattr(self, "organisation_id", None)) is not None:
            line["organisation"] = str(organisation_id)
        logger.info("socket", extra=line)
        raise StopConsumer

    async def push(self, frames_: Sequence[Frame]) -> None:
        """Send frames, as far as the socket is open."""
        for frame in frames_:
            if self._open:
                await self._hand_over({"type": "websocket.send", "text": frames.encode(frame)})

    async def finish(self, code: int) -> None:
        """Close it with this code, once."""
        if self._open:
            self._code = code
            self._gone()
            await self._hand_over({"type": "websocket.close", "code": code})

    async def _hand_over(self, message: Message) -> None:
        try:
            await self.send(message)
        except (OSError, RuntimeError):
            # So the server says that the client went, or failed its ping, since we looked.
            self._gone()

    def _gone(self) -> None:
        self._open = False
        # Set for as long as it is in the hub.
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
            HUB.leave(self)
