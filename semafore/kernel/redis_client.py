"""This process's one Redis client: for what may be lost, so it gives up soon."""

from functools import cache
from threading import Lock

import redis
from django.conf import settings

_making = Lock()


@cache
def _make() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, health_check_interval=15
    )


def redis_client() -> redis.Redis:
    """The client. Its calls raise redis.RedisError within half a second when Redis is away."""
    # Of two made at once, the one that isn't kept would close its connections under its user.
    with _making:
        return _make()


def forget_redis_client() -> None:
    """Make another at the next call: for tests that move Redis."""
    with _making:
        _make.cache_clear()
