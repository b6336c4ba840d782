"""While the server is closed (`kernel.closing`), no socket stays open."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from django.db import Error as DatabaseUnusable

from realtime.database import in_database
from realtime.frames import TRY_AGAIN_LATER
from realtime.socket import Socket
from semafore.kernel.closing import CLOSING

logger = logging.getLogger(__name__)

ASKED_EVERY_SECONDS: Final = 1.0
TOGETHER: Final = 64
APART_SECONDS: Final = 0.1
"""Between two batches: thousands of ends at once would starve whatever else the process does."""


async def close_while_closed(
    opened: Callable[[], Sequence[Socket]], end: Callable[[Socket, int], None]
) -> None:
    """For ever: end all sockets, some at a time, for as long as the server is found closed."""
    pause = ASKED_EVERY_SECONDS
    while True:
        await asyncio.sleep(pause)
        pause = ASKED_EVERY_SECONDS
        try:
            closure = await in_database(CLOSING.closure)
        except DatabaseUnusable:
            # Not known to be closed: sockets outlive a database that is away.
            continue
        except Exception:
            logger.exception("whether the server is closed is not known")
            continue
        if closure is not None and (sockets := opened()):
            for socket in sockets[:TOGETHER]:
                end(socket, TRY_AGAIN_LATER)
            # Asked again before the next: who comes back once it is open again stays.
            pause = APART_SECONDS
