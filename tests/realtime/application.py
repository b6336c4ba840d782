"""`semafore.asgi` with a slow poll as slow as the test wants it; uvicorn is started on this."""

import os
from functools import cache

# Sets Django up, so it comes before everything else.
from semafore.asgi import application

# isort: split
from redis import Redis

from realtime import hub
from semafore.kernel import redis_client

hub.POLL_SECONDS = float(os.environ["POLL_SECONDS"])


@cache
def _patient_client() -> Redis:
    """Where no poll comes, a hint that is given up is lost for good."""
    return redis_client.new_client(socket_timeout=60, socket_connect_timeout=60)


redis_client._make = _patient_client

__all__ = ["application"]
