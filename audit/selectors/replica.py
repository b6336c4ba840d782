"""Long reads of the log, from a replica that has all of it, else from the primary."""

import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections
from psycopg_pool import PoolTimeout

from audit.logs import current_log
from audit.selectors.tree import tree_head
from semafore.kernel.replica import REPLICA, reading_from_replica

logger = logging.getLogger(__name__)

R = TypeVar("R")

QUIET_SECONDS = 30.0
"""After a replica was away the primary reads for so long: the next page doesn't wait for it."""

_quiet_until = -math.inf

AWAY = (OperationalError, InterfaceError, PoolTimeout)


def from_replica(read: Callable[[], R]) -> R:
    """What `read` finds, in the organisation in scope.

    A replica serves it that has the very entries that the primary has now: nobody misses an event
    that they could have seen, nor sees one that a restored primary has lost. Without one, behind,
    or away, the primary does. `read` only reads, and may be called twice.
    """
    global _quiet_until  # noqa: PLW0603 - one breaker a process
    if REPLICA not in connections.databases or time.monotonic() < _quiet_until:
        return read()
    log = current_log()
    head = tree_head(log)
    try:
        with reading_from_replica():
            if tree_head(log) == head:
                return read()
    except AWAY as error:
        connections[REPLICA].close()
        _quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning(
            "the replica is away, the primary reads for %.0f s: %s",
            QUIET_SECONDS,
            type(error).__name__,
        )
    return read()
