"""Reads that may go to a read replica: long ones of the audit log, and no others.

Who asks has to know that the replica has what is read (`audit.selectors.replica`): it may be
behind. Writes never go there, and nor does anything that somebody decides by.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS

REPLICA: Final = "replica"

_reads_from: ContextVar[str] = ContextVar("reads_from", default=DEFAULT_DB_ALIAS)


def reading_alias() -> str:
    """The database that reads go to just now."""
    return _reads_from.get()


@contextmanager
def reading_from_replica() -> Iterator[None]:
    """Within the block, reads go to the replica; whoever writes in it is wrong here."""
    token = _reads_from.set(REPLICA)
    try:
        yield
    finally:
        _reads_from.reset(token)


class Router:
    """Django's: where the ORM reads and writes."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        """The primary, but within `reading_from_replica`."""
        return reading_alias()

    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        """The primary."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: Any, _other: Any, **_hints: Any) -> bool:
        """Both are the same database."""
        return True

    def allow_migrate(self, alias: str, _app: str, **_hints: Any) -> bool:
        """A replica is migrated with its primary."""
        return alias == DEFAULT_DB_ALIAS
