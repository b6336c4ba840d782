"""Connections that wait for a lock, so that tests of concurrency go on at the right moment."""

from collections.abc import Callable

import pytest
from django.db import connection


def somebody_waits() -> bool:
    """Whether a connection to this database waits for a lock, a hundredth of a second later."""
    with connection.cursor() as cursor:
        # Within a transaction PostgreSQL shows what it has shown before, until it is told not to.
        cursor.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchall() != [(0,)])


def wait_until_somebody_waits(*, or_ended: Callable[[], bool] = lambda: False) -> None:
    """Fails when whoever was to wait has ended instead."""
    while not somebody_waits():
        if or_ended():
            pytest.fail("it ended, and never waited for a lock")
