"""Reads of what was signed."""

from dataclasses import dataclass
from datetime import datetime

from audit.logs import Log
from semafore.kernel.database import prepared_cursor

_COLUMNS = "SELECT size, origin, root, note, signed_at FROM {t}checkpoint WHERE {own}"

LATEST = _COLUMNS + "true ORDER BY size DESC LIMIT 1"

UNTIL = _COLUMNS + "size <= %(size)s::bigint ORDER BY size DESC LIMIT 1"

OF_SIZE = _COLUMNS + "size = %(size)s::bigint"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checkpoint; `note` is the signed note whole."""

    size: int
    origin: str
    root: bytes
    note: str
    signed_at: datetime


def latest_checkpoint(log: Log) -> SignedHead | None:
    """The newest one; None before the first."""
    return _one(log, LATEST)


def latest_until(log: Log, size: int) -> SignedHead | None:
    """The newest one of at most this size; None where there is none."""
    return _one(log, UNTIL, size=size)


def checkpoint_of_size(log: Log, size: int) -> SignedHead | None:
    """The one of exactly this size."""
    return _one(log, OF_SIZE, size=size)


def _one(log: Log, statement: str, **named: int) -> SignedHead | None:
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(statement), log.parameters(**named))
        row = cursor.fetchone()
    return SignedHead(row[0], row[1], bytes(row[2]), *row[3:]) if row else None
