"""What a worker does: take an export, write it part by part, count what it wrote."""

import io
import logging
from hashlib import sha256
from tempfile import TemporaryFile

from django.db import DatabaseError

from audit.exports.formats import ASSEMBLED, LINES, Assembled, Lines, counted
from audit.models import ExportPart
from audit.selectors.exports import batches
from audit.services.exports import storage
from audit.services.exports.files import remove_files
from audit.services.exports.lease import (
    DEAD_WORKERS,
    MOST_ATTEMPTS,
    Lease,
    LeaseLostError,
    take,
)

logger = logging.getLogger(__name__)

PART_BYTES = 16 * 1024 * 1024
"""Of an object, from which on the next one begins: a slice more at most, below 64 MB."""
OUR_SIDE = "Something went wrong on our side. The server's log says what, under the export's id."
SLICE = 500
"""Events that are encoded at once."""


class MiscountedError(Exception):
    """What was written isn't what was to be written; the text says it."""


def write_exports() -> int:
    """Write what waits, and go on with what dead workers left; how many exports were taken."""
    taken = 0
    while (lease := take()) is not None:
        taken += 1
        try:
            write(lease)
        except LeaseLostError:
            # Cancelled, or somebody else's: either way they see to the rest.
            continue
        finally:
            remove_files(lease.export.id)
    return taken


def write(lease: Lease) -> None:
    """Write one. Raises LeaseLostError; a database that is away leaves it to the next worker."""
    if lease.export.attempts > MOST_ATTEMPTS:
        lease.fail(lease.export.failure or DEAD_WORKERS)
        return
    try:
        if lease.export.format in LINES:
            _write_lines(lease, LINES[lease.export.format])
        else:
            _write_assembled(lease, ASSEMBLED[lease.export.format])
    except (LeaseLostError, DatabaseError):
        raise
    except storage.StorageError as error:
        logger.warning("export %s: the storage failed: %s", lease.export.id, error)
        lease.leave(f"The storage of exports could not be used ({error}).")
    except MiscountedError as error:
        lease.fail(str(error))
    except Exception:
        logger.exception("export %s failed", lease.export.id)
        lease.fail(OUR_SIDE)


class _File:
    """The file as it grows: its parts, its length and its digest."""

    def __init__(self, lease: Lease, parts: list[ExportPart]) -> None:
        self._lease = lease
        self._next = parts[-1].number + 1 if parts else 0
        self.size = 0
        self.digest = sha256()
        for part in parts:
            self._again(part)

    def _again(self, part: ExportPart) -> None:
        """What a dead worker stored, read once more: the digest can't be kept in between."""
        own = sha256()
        for piece in storage.read([part], first=0, last=part.bytes - 1):
            own.update(piece)
            self.digest.update(piece)
            self._lease.beat(part.done)
        if own.digest() != bytes(part.sha256):
            raise storage.StorageError("an object is not as it was stored")
        self.size += part.bytes

    def keep(self, content: bytes, *, after_seq: int, done: int) -> None:
        """The next part."""
        self.digest.update(content)
        self.size += len(content)
        self._lease.keep(content, number=self._next, after_seq=after_seq, done=done)
        self._next += 1

    def finish(self, done: int) -> None:
        """All is stored; is it all? Raises MiscountedError."""
        _check(self._lease, done)
        self._lease.finish(done=done, size=self.size, digest=self.digest.digest())


def _check(lease: Lease, done: int) -> None:
    """No more than was counted, and all that is left of it now; the rest retention took."""
    stated, left = lease.export.stated, counted(lease.export)
    if stated is not None and left is not None and not left <= done <= stated:
        raise MiscountedError(
            f"{stated} events were counted before, {done} were written, and {left} are there now."
            " Nothing of it is handed out. Ask for it again."
        )


def _write_lines(lease: Lease, lines: Lines) -> None:
    parts = lease.begin(anew=False)
    file = _File(lease, parts)
    after, done = (parts[-1].after_seq, parts[-1].done) if parts else (-1, 0)
    held = io.BytesIO()
    held.write(b"" if parts else lines.header())
    for last, events in batches(lease.export, after=after):
        for first in range(0, len(events), SLICE):
            some = events[first : first + SLICE]
            held.write(lines.encoded(some))
            done += len(some)
            if held.tell() >= PART_BYTES:
                file.keep(held.getvalue(), after_seq=some[-1].seq, done=done)
                held = io.BytesIO()
        after = last
        lease.beat(done)
    if held.tell():
        file.keep(held.getvalue(), after_seq=after, done=done)
    file.finish(done)


def _write_assembled(lease: Lease, assembled: Assembled) -> None:
    file = _File(lease, lease.begin(anew=True))
    # Without a name: a killed worker leaves nothing behind.
    with TemporaryFile() as whole:
        done = assembled.write(lease.export, whole, lease.beat)
        whole.seek(0)
        while content := whole.read(PART_BYTES):
            file.keep(content, after_seq=-1, done=done)
    file.finish(done)
