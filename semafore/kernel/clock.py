"""The server's clock: the only place that asks for the time, so that a test can move it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _offset


def rfc3339(moment: datetime) -> str:
    """`2026-11-21T09:30:00.123456Z`: UTC, microseconds, `Z` (api.md)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def moved_by(offset: timedelta) -> Iterator[None]:
    """Within the block, this process's clock is `offset` ahead. For tests."""
    global _offset  # noqa: PLW0603 - one clock a process, for threads of a test server too
    before = _offset
    _offset = before + offset
    try:
        yield
    finally:
        _offset = before
