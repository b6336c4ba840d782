"""This process's one Redis client: for what may be lost, so it gives up soon."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from threading import Lock
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import Sentinel

_making = Lock()


def new_client(**options: Any) -> redis.Redis:
    """A client of REDIS_URL, behind Sentinels of whichever server is the primary."""
    found = settings.REDIS
    if not found.sentinels:
        return redis.Redis.from_url(settings.REDIS_URL, **options)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        found.sentinels,
        sentinel_kwargs={"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
        password=found.password,
        **options,
    )
    client: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
        found.service, db=found.database
    )
    return client


@asynccontextmanager
async def async_client(**options: Any) -> AsyncIterator[redis.asyncio.Redis]:
    """The same for asynchronous code, for the length of the block."""
    found = settings.REDIS
    async with AsyncExitStack() as opened:
        if found.sentinels:
            sentinel = AsyncSentinel(  # type: ignore[no-untyped-call]
                found.sentinels,
                sentinel_kwargs={"socket_timeout": 2, "socket_connect_timeout": 2},
                password=found.password,
                **options,
            )
            for one in sentinel.sentinels:
                await opened.enter_async_context(one)
            client = sentinel.master_for(found.service, db=found.database)
        else:
            client = redis.asyncio.Redis.from_url(settings.REDIS_URL, **options)
        yield await opened.enter_async_context(client)


@cache
def _make() -> redis.Redis:
    return new_client(socket_timeout=0.5, socket_connect_timeout=0.5, health_check_interval=15)


def redis_client() -> redis.Redis:
    """The client. Its calls raise redis.RedisError within half a second when Redis is away."""
    # Of two made at once, the one that isn't kept would close its connections under its user.
    with _making:
        return _make()


def forget_redis_client() -> None:
    """Make another at the next call: for tests that move Redis."""
    with _making:
        _make.cache_clear()
