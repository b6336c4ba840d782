"""All open sockets of this process: who they are, when they look, what they are told.

The database is the truth. A hint, a new subscription and the slow poll all do the same: they have a
socket look. The looks of an organisation are done together, one after the other, so that many cost
few statements and an older answer never comes after a newer one.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseUnusable
from django.db import InterfaceError, OperationalError

from realtime.closing import close_while_closed
from realtime.database import in_organisation
from realtime.frames import MALFORMED, REPLACED, REVOKED, Frame
from realtime.looks import Heard, Looking, Seen, look
from realtime.services import leave_place, note_seen
from realtime.socket import WHY, Due, Socket
from realtime.subscriber import Subscriber
from semafore.kernel.realtime import Hint

logger = logging.getLogger(__name__)

POLL_SECONDS = 30.0
"""The slow poll, which finds what a lost hint was about."""

UNHEARD = 64
"""Frames of one device that wait to be carried out; one that sends faster waits itself."""

TOGETHER = 64
"""Sockets of one look: what it reads for them is held at once, a mebibyte each at most."""

GATHERING_SECONDS = 0.001
"""A look begins so long after the first hint that asks for it."""

SOON_SECONDS = 0.1
"""Until a socket looks again for what others held in the database."""

DATABASE_AWAY = (OperationalError, InterfaceError)
"""Whether a transaction took place is not known after these; other errors say that it didn't."""


def _no_frames() -> defaultdict[UUID, list[Heard]]:
    return defaultdict(list)


class Hub:
    """One a process. Starts its tasks with the first socket, in that socket's event loop."""

    def __init__(self) -> None:
        self._sockets: dict[UUID, Socket] = {}
        self._due: defaultdict[UUID, dict[UUID, Due]] = defaultdict(dict)
        self._heard: defaultdict[UUID, defaultdict[UUID, list[Heard]]] = defaultdict(_no_frames)
        """By organisation and device. Carried out even if the socket is gone by then."""
        self._again: dict[UUID, Due] = {}
        """Devices that look again once they have taken what is on its way; as in `_due`."""
        self._full: set[UUID] = set()
        """Devices with so much under way that only acks make room for more."""
        self._unsure: set[UUID] = set()
        """Devices whose last look failed: what it noted as sent wasn't."""
        self._looking: dict[UUID, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriber: Subscriber | None = None

    def join(self, socket: Socket) -> None:
        """An open socket that has said hello. The older of two of a device is closed."""
        older = self._sockets.get(socket.device_id)
        if older is not None and older.serial > socket.serial:
            self._spawn(socket.finish(REPLACED))
            return
        self._sockets[socket.device_id] = socket
        if older is not None:
            self._spawn(older.finish(REPLACED))
        subscriber = self._subscriber or self._start()
        # What was said before we heard is lost: look. Without the channel, look once it is there.
        if subscriber.want(socket.device_id):
            self._look_soon(socket)

    def leave(self, socket: Socket) -> None:
        """A socket that is closed or about to be; leaving twice is fine."""
        if self._sockets.get(socket.device_id) is socket:
            del self._sockets[socket.device_id]
            self._again.pop(socket.device_id, None)
            self._unsure.discard(socket.device_id)
            self._full.discard(socket.device_id)
            if self._subscriber is not None:
                self._subscriber.drop(socket.device_id)
            self.release(socket)

    def release(self, socket: Socket) -> None:
        """Note that a socket which took its device's place is closed."""
        self._spawn(self._leave_place(socket))

    async def hear(self, socket: Socket, frame: Frame) -> None:
        """Have a frame carried out; waits where many of this socket's do."""
        if self._sockets.get(socket.device_id) is not socket:
            return
        waiting = self._heard[socket.organisation_id][socket.device_id]
        waiting.append((socket.device_id, socket.actor, frame))
        if socket.device_id in self._full:
            self._look_soon(socket, Due.MAILBOX)
        else:
            # What it said is carried out; whether there is anything new, a hint says.
            self._due.setdefault(socket.organisation_id, {})
            self._begin(socket.organisation_id)
        if len(waiting) >= UNHEARD:
            await asyncio.wait([self._begin(socket.organisation_id)])

    def end(self, socket: Socket, code: int) -> None:
        """Take a socket out and close it."""
        self.leave(socket)
        self._spawn(socket.finish(code))

    def _start(self) -> Subscriber:
        self._subscriber = Subscriber(on_hint=self._hinted, on_subscribed=self._subscribed)
        self._spawn(self._subscriber.run())
        self._spawn(self._poll_for_ever())
        self._spawn(close_while_closed(lambda: list(self._sockets.values()), self.end))
        return self._subscriber

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a task of the sockets failed", exc_info=error)

    def _hinted(self, device_id: UUID, word: str) -> None:
        socket = self._sockets.get(device_id)
        if socket is not None:
            self._look_soon(socket, WHY.get(word, Due.KEYS))

    def _subscribed(self, device_id: UUID) -> None:
        self._hinted(device_id, Hint.STATUS)

    def _look_soon(self, socket: Socket, why: Due = Due.KEYS) -> None:
        due = self._due[socket.organisation_id]
        due[socket.device_id] = why | due.get(socket.device_id, Due.MAILBOX)
        self._begin(socket.organisation_id)

    def _begin(self, organisation_id: UUID) -> asyncio.Task[None]:
        """The task that does an organisation's looks, one batch after the other."""
        task = self._looking.get(organisation_id)
        if task is None:
            task = self._looking[organisation_id] = self._spawn(self._look(organisation_id))
        return task

    async def _look(self, organisation_id: UUID) -> None:
        try:
            # A message to fifty devices is fifty hints: they look together, not the first alone.
            await asyncio.sleep(GATHERING_SECONDS)
            while (due := self._due.pop(organisation_id, None)) is not None:
                devices = list(due)
                # None due: there may be frames of sockets that are gone.
                for start in range(0, len(devices) or 1, TOGETHER):
                    some = devices[start : start + TOGETHER]
                    await self._look_at(organisation_id, {one: due[one] for one in some})
        except DatabaseUnusable as error:
            # Whoever didn't look now does at the next poll.
            logger.warning("sockets could not look: %s", type(error).__name__)
        except Exception:
            logger.exception("sockets could not look")
        finally:
            del self._looking[organisation_id]

    async def _look_at(self, organisation_id: UUID, due: dict[UUID, Due]) -> None:
        """`due`: the devices, and why each looks."""
        found = [self._sockets.get(device_id) for device_id in due]
        sockets = [socket for socket in found if socket is not None]
        heard = self._heard.pop(organisation_id, None) or _no_frames()
        if not sockets and not heard:
            return
        looking = [self._looking_of(socket, due[socket.device_id]) for socket in sockets]
        frames = [frame for of_device in heard.values() for frame in of_device]
        try:
            seen = await in_organisation(organisation_id, look, looking, frames)
        except DATABASE_AWAY:
            for device_id, of_device in heard.items():
                self._heard[organisation_id][device_id][:0] = of_device
            self._unsure.update(
                one.device_id for one in looking if one.ready and one.device_id in self._sockets
            )
            raise
        for device_id in seen.malformed & self._sockets.keys():
            self.end(self._sockets[device_id], MALFORMED)
        for socket, one in zip(sockets, looking, strict=True):
            if self._sockets.get(socket.device_id) is socket:
                self._apply(socket, one, seen, due[socket.device_id])

    def _looking_of(self, socket: Socket, why: Due) -> Looking:
        return Looking(
            device_id=socket.device_id,
            token_hash=socket.token_hash,
            serial=socket.serial,
            # A client that doesn't take its frames gets no further ones until it has.
            ready=not socket.busy,
            unsure=socket.device_id in self._unsure,
            keys=Due.KEYS in why,
            told=socket.told,
        )

    def _apply(self, socket: Socket, looking: Looking, seen: Seen, why: Due) -> None:
        device_id = socket.device_id
        sight = seen.sights.get(socket.token_hash)
        if sight is None:
            self.end(socket, REVOKED)
        elif sight.serial > socket.serial:
            self.end(socket, REPLACED)
        elif socket.busy:
            self._again[device_id] = why | self._again.get(device_id, Due.MAILBOX)
        elif not looking.ready:
            # It has taken its frames since this look began.
            self._look_soon(socket, why)
        else:
            self._unsure.discard(device_id)
            socket.told = seen.told.get(device_id, socket.told)
            match seen.full.get(device_id):
                case True:
                    self._full.add(device_id)
                case False:
                    self._full.discard(device_id)
            refused = Due.REFUSED in why
            frames = socket.news.frames(sight.keys, refused=refused) if sight.keys else []
            frames += seen.frames.get(device_id, ())
            if frames:
                if device_id in seen.more:
                    self._again.setdefault(device_id, Due.MAILBOX)
                socket.busy = True
                self._spawn(self._push(socket, frames))
            elif device_id in seen.more:
                loop = asyncio.get_running_loop()
                loop.call_later(SOON_SECONDS, self._hinted, device_id, Hint.MAILBOX)

    async def _push(self, socket: Socket, frames: Sequence[Frame]) -> None:
        await socket.push(frames)
        socket.busy = False
        if socket.device_id in self._again and self._sockets.get(socket.device_id) is socket:
            self._look_soon(socket, self._again.pop(socket.device_id))

    async def _leave_place(self, socket: Socket) -> None:
        try:
            await in_organisation(
                socket.organisation_id,
                leave_place,
                device_id=socket.device_id,
                serial=socket.serial,
            )
        except DatabaseUnusable as error:
            # It stays open in the books until it was not seen for a while.
            logger.warning("a socket's end was not noted: %s", type(error).__name__)

    async def _poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._poll()
            except DatabaseUnusable as error:
                logger.warning("the slow poll failed: %s", type(error).__name__)
            except Exception:
                logger.exception("the slow poll failed")

    async def _poll(self) -> None:
        """Every socket looks; one organisation after the other, so that hints come in between."""
        members: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for socket in self._sockets.values():
            members[socket.organisation_id].append(socket.device_id)
        for organisation_id in self._heard:
            members.setdefault(organisation_id, [])
        for organisation_id, device_ids in members.items():
            due = self._due[organisation_id]
            for device_id in device_ids:
                due[device_id] = Due.KEYS | due.get(device_id, Due.MAILBOX)
            await self._begin(organisation_id)
            await in_organisation(organisation_id, note_seen, device_ids=device_ids)
