"""Acts at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from semafore.kernel.actor import SYSTEM, acting_as


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What the acts return or raise, each in a thread of its own, as the system."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=120)
            with acting_as(SYSTEM):
                return act()
        except Exception as error:  # noqa: BLE001 - handed to the test
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
