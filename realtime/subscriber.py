"""This process's one subscription to hints: it outlives Redis, and says when it hears again."""

import asyncio
import logging
import random
from collections.abc import Callable
from uuid import UUID

from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from semafore.kernel.realtime import CHANNEL_PREFIX, channel
from semafore.kernel.redis_client import async_client

logger = logging.getLogger(__name__)

PING_SECONDS = 15.0
SILENCE_SECONDS = 40.0
"""A Redis that leaves two pings unanswered is gone, even if nothing closed the connection."""
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
CHANNELS_A_COMMAND = 500


class Subscriber:
    """Hears the channels of the wanted devices.

    `on_hint` is called with the device and the hint's word; `on_subscribed` when a channel is heard
    from now on: what was said before, while there was no connection or no subscription, is lost, so
    that is the moment to look.
    """

    def __init__(
        self, *, on_hint: Callable[[UUID, str], None], on_subscribed: Callable[[UUID], None]
    ) -> None:
        self._on_hint = on_hint
        self._on_subscribed = on_subscribed
        self._wanted: set[UUID] = set()
        self._subscribed: set[UUID] = set()
        self._changed: set[UUID] = set()
        self._wake = asyncio.Event()
        self._lost = False

    def want(self, device_id: UUID) -> bool:
        """Hear this device's channel until `drop`; False: not yet, and `on_subscribed` follows.

        To be said again even where the channel is heard: a `drop` may wait to be carried out.
        """
        self._wanted.add(device_id)
        self._note(device_id)
        return device_id in self._subscribed

    def drop(self, device_id: UUID) -> None:
        """Hear it no longer."""
        self._wanted.discard(device_id)
        self._note(device_id)

    def _note(self, device_id: UUID) -> None:
        self._changed.add(device_id)
        self._wake.set()

    async def run(self) -> None:
        """Connect, and connect again, for as long as the process lives."""
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                await self._listen()
            except* (RedisError, OSError) as errors:
                if not self._lost:
                    logger.warning("no hints from Redis: %r", errors.exceptions[0])
            except* Exception:
                logger.exception("no hints: the subscription failed")
            wait = FIRST_WAIT_SECONDS if not self._lost else min(wait * 2, LONGEST_WAIT_SECONDS)
            self._lost = True
            # Processes that lost the same Redis shouldn't all return at one moment.
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    async def _listen(self) -> None:
        """One connection, until it fails; nothing is retried on it, a new one is made instead."""
        options = {"socket_connect_timeout": 2, "retry": Retry(NoBackoff(), 0)}
        self._subscribed = set()
        self._changed = set(self._wanted)
        async with async_client(**options) as client, client.pubsub() as pubsub:
            await pubsub.connect()
            if self._lost:
                logger.info("hints from Redis again")
            self._lost = False
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(pubsub))
                tasks.create_task(self._write(pubsub))

    async def _read(self, pubsub: PubSub) -> None:
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await pubsub.get_message(timeout=None)
            match message:
                case {"type": "message", "channel": bytes(name), "data": bytes(word)}:
                    self._on_hint(_device(name), word.decode())
                case {"type": "subscribe", "channel": bytes(name)}:
                    self._on_subscribed(_device(name))

    async def _write(self, pubsub: PubSub) -> None:
        """Brings the connection's channels to what is wanted; pings when there is nothing to do."""
        while True:
            self._wake.clear()
            changed, self._changed = self._changed, set()
            fresh = (changed & self._wanted) - self._subscribed
            stale = (changed & self._subscribed) - self._wanted
            self._subscribed |= fresh
            self._subscribed -= stale
            for batch in _batches(fresh):
                await pubsub.subscribe(*batch)
            for batch in _batches(stale):
                await pubsub.unsubscribe(*batch)
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                await pubsub.ping()


def _device(name: bytes) -> UUID:
    return UUID(name.decode().removeprefix(CHANNEL_PREFIX))


def _batches(devices: set[UUID]) -> list[list[str]]:
    names = [channel(device_id) for device_id in devices]
    return [names[i : i + CHANNELS_A_COMMAND] for i in range(0, len(names), CHANNELS_A_COMMAND)]
