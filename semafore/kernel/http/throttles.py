"""Throttles: by address where no token is needed, by token where programs ask."""

import time
from collections import OrderedDict
from ipaddress import ip_address, ip_network
from threading import Lock

import redis
from django.conf import settings
from django.http import HttpRequest
from django.views import View
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from semafore.kernel.http.views import client_address
from semafore.kernel.redis_client import redis_client

WINDOW_SECONDS = 60
REMEMBERED_ADDRESSES = 10_000


class _LocalCounters:
    """Counts in this process alone, for the time that Redis is away."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def increment(self, key: str) -> int:
        with self._lock:
            self._counts[key] = count = self._counts.pop(key, 0) + 1
            while len(self._counts) > REMEMBERED_ADDRESSES:
                self._counts.popitem(last=False)
            return count


_local = _LocalCounters()


def _source(request: Request | HttpRequest) -> str:
    """The address; of IPv6 the /64, which is what one household has."""
    text = client_address(request)
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if address.version == 4:  # noqa: PLR2004 - IP version four
        return text
    return str(ip_network((address, 64), strict=False))


class MinuteThrottle(BaseThrottle):
    """At most so many requests of one source in a minute."""

    def limit(self) -> int:
        """Requests a minute."""
        raise NotImplementedError

    def source(self, request: Request | HttpRequest, view: View) -> str:
        """Who is counted, and where."""
        raise NotImplementedError

    def allow_request(self, request: Request | HttpRequest, view: View) -> bool:
        """Count this request; False when it is one too many."""
        window, self._elapsed = divmod(time.time(), WINDOW_SECONDS)
        key = f"semafore:throttle:{self.source(request, view)}:{int(window)}"
        return self._count(key) <= self.limit()

    def _count(self, key: str) -> int:
        try:
            with redis_client().pipeline(transaction=False) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, 2 * WINDOW_SECONDS)
                return int(pipeline.execute()[0])
        except redis.RedisError:
            return _local.increment(key)

    def wait(self) -> float:
        """Seconds until the next window."""
        return WINDOW_SECONDS - self._elapsed


class AddressThrottle(MinuteThrottle):
    """At most `UNAUTHENTICATED_PER_MINUTE` requests an address, route and minute."""

    def limit(self) -> int:
        """The setting."""
        return int(settings.UNAUTHENTICATED_PER_MINUTE)

    def source(self, request: Request | HttpRequest, view: View) -> str:
        """Route and address."""
        return f"{type(view).__name__}:{_source(request)}"


class CredentialThrottle(MinuteThrottle):
    """At most `SERVICE_REQUESTS_PER_MINUTE` requests a service token and minute, on all routes."""

    def limit(self) -> int:
        """The setting."""
        return int(settings.SERVICE_REQUESTS_PER_MINUTE)

    def source(self, request: Request | HttpRequest, view: View) -> str:
        """The token's id; whoever has none is refused next, and counted by address."""
        del view
        credential = getattr(request, "auth", None)
        return f"service:{credential.id if credential else _source(request)}"
