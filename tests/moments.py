"""Times at which nothing ends: for what the application counts or names by minute, hour or day."""

from contextlib import AbstractContextManager
from datetime import timedelta

from semafore.kernel import clock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def beginning(of: timedelta) -> AbstractContextManager[None]:
    """The application's clock stands, and goes on, at the beginning of the next minute or hour."""
    gone = timedelta(seconds=clock.now().timestamp() % of.total_seconds())
    return clock.moved_by(of - gone)
