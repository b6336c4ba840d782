"""Publishing a hint from many threads, and what fails of it stays with it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from semafore.kernel.realtime import Hint, notify
from semafore.kernel.redis_client import forget_redis_client

THREADS = 12


def test_the_first_hints_of_a_process_may_come_at_once(
    committed: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that starts under load: one client is made, and none is closed under another."""
    barrier = Barrier(THREADS)

    def publish(_number: int) -> None:
        barrier.wait(timeout=120)
        try:
            notify([uuid4()], Hint.STATUS)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(20):
            forget_redis_client()
            list(threads.map(publish, range(THREADS)))
    assert not caplog.records


def test_a_hint_that_fails_harms_nobody(
    committed: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is: what was done is committed by then."""
    settings.REDIS_URL = "redis://127.0.0.1:no-port/0"
    forget_redis_client()
    try:
        notify([uuid4()], Hint.STATUS)
    finally:
        forget_redis_client()
    assert "on_commit" in caplog.text
