"""What the signer last signed of each log, in a file outside the database (audit-log.md).

A database that is restored from a backup goes back; this doesn't, and so the signer notices.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from django.core.exceptions import ImproperlyConfigured

from audit.selectors.checkpoints import SignedHead

FILE = "signed.sqlite3"
PATIENCE = 30
"""Seconds to wait for another process that is signing."""

TABLE = """
CREATE TABLE IF NOT EXISTS signed (
    log_id TEXT PRIMARY KEY, size INTEGER NOT NULL, origin TEXT NOT NULL, root BLOB NOT NULL,
    note TEXT NOT NULL, signed_at TEXT NOT NULL, published INTEGER NOT NULL
) STRICT
"""

LAST = "SELECT size, origin, root, note, signed_at, published FROM signed WHERE log_id = ?"

REMEMBER = """
INSERT INTO signed (log_id, size, origin, root, note, signed_at, published)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (log_id) DO UPDATE SET size = excluded.size, origin = excluded.origin,
    root = excluded.root, note = excluded.note, signed_at = excluded.signed_at,
    published = excluded.published
"""

PUBLISHED = "UPDATE signed SET published = 1 WHERE log_id = ? AND note = ?"


@dataclass(frozen=True, slots=True)
class LastSigned:
    """A log's last checkpoint, and whether the database is known to have it."""

    head: SignedHead
    published: bool


class SignerState:
    """The open file. Any number of processes may have it; one signs at a time."""

    def __init__(self, directory: Path) -> None:
        """Raises ImproperlyConfigured where the file can't be written."""
        path = directory / FILE
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._file = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            # FULL, and the folder too: what was committed has reached the disk.
            self._file.execute("PRAGMA synchronous = EXTRA")
            self._file.execute(TABLE)
        except (OSError, sqlite3.Error) as error:
            raise ImproperlyConfigured(
                f"LOG_STATE_DIR: {path} can't be written ({error}). Remedy: set LOG_STATE_DIR to a "
                "folder of the log process's own, on a disk that lasts."
            ) from error

    def __enter__(self) -> Self:
        """Open since it was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Within the block nobody else signs; what was written in it is on the disk after it."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def last(self, log_id: str) -> LastSigned | None:
        """What was last signed of the log; None if nothing was."""
        row = self._file.execute(LAST, [log_id]).fetchone()
        if row is None:
            return None
        size, origin, root, note, signed_at, published = row
        head = SignedHead(size, origin, root, note, datetime.fromisoformat(signed_at))
        return LastSigned(head, bool(published))

    def remember(self, log_id: str, signed: SignedHead, *, published: bool = False) -> None:
        """Write down what is signed, before anybody sees it."""
        self._file.execute(
            REMEMBER,
            [
                log_id,
                signed.size,
                signed.origin,
                signed.root,
                signed.note,
                signed.signed_at.isoformat(),
                published,
            ],
        )

    def note_published(self, log_id: str, signed: SignedHead) -> None:
        """The database has it. What is signed meanwhile isn't touched."""
        self._file.execute(PUBLISHED, [log_id, signed.note])

    def forget(self, log_id: str) -> None:
        """A log that is gone for good, with its organisation."""
        self._file.execute("DELETE FROM signed WHERE log_id = ?", [log_id])

    def log_ids(self) -> list[str]:
        """Every log of which something was signed."""
        rows = self._file.execute("SELECT log_id FROM signed ORDER BY log_id").fetchall()
        return [log_id for (log_id,) in rows]
