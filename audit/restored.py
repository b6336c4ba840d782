"""Why devices wait while nobody has vouched for the database (ADR 0019)."""

from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS

from audit.errors import DatabaseRestored
from audit.selectors.incarnations import standing
from semafore.kernel.closing import CLOSING, Closure
from semafore.kernel.problems import Unavailable

AFTER_A_PERSON = 60
AFTER_THE_LOG_PROCESS = 2
"""Seconds."""

WAITING = Closure(Unavailable(retry_after=AFTER_THE_LOG_PROCESS), everybody=False, ready=False)
RESTORED = Closure(DatabaseRestored(retry_after=AFTER_A_PERSON), everybody=False, ready=False)


def closure() -> Closure | None:
    """For `kernel.closing`."""
    found = standing()
    if found.vouched:
        return None
    return RESTORED if found.restored else WAITING


_known: WeakSet[object] = WeakSet()


def on_connection_created(*, connection: object, **_named: object) -> None:
    """A connection that wasn't there before may be to another database: ask before it is used.

    Django says so of each that the pool hands out; the pool's own objects tell which are new.
    """
    used = getattr(connection, "connection", None)
    alias = getattr(connection, "alias", None)
    if alias == DEFAULT_DB_ALIAS and used is not None and used not in _known:
        _known.add(used)
        CLOSING.ask_anew()
