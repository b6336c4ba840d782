"""What anybody may hold against a checkpoint: tiles and entries under the newest (tlog-tiles)."""

from audit.logs import Log
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.tree import read_tiles
from audit.tiles import HASH, HEIGHT, WIDTH
from semafore.kernel.database import prepared_cursor
from semafore.kernel.problems import NotFound

ENTRIES = """
SELECT entry FROM {t}entry
WHERE {own}seq >= %(first)s::bigint AND seq < %(last)s::bigint ORDER BY seq
"""

LENGTH_BYTES = 2
"""Before each entry of a bundle, big-endian."""


def published_tile(log: Log, *, level: int, index: int, width: int) -> bytes:
    """The first `width` hashes of a tile, 32 bytes each.

    A narrower one than there is by now is its beginning, as an earlier checkpoint had it. Raises
    NotFound where the newest checkpoint has fewer.
    """
    _require(log, index * WIDTH + width << level * HEIGHT)
    return read_tiles(log, [(level, index)])[level, index][: width * HASH]


def published_entries(log: Log, *, index: int, width: int) -> bytes:
    """An entry bundle: `width` times a length in 2 bytes, big-endian, and an entry.

    Raises NotFound where the newest checkpoint has fewer.
    """
    first = index * WIDTH
    _require(log, first + width)
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(ENTRIES), log.parameters(first=first, last=first + width))
        entries = [bytes(entry) for (entry,) in cursor.fetchall()]
    return b"".join(len(entry).to_bytes(LENGTH_BYTES, "big") + entry for entry in entries)


def _require(log: Log, entries: int) -> None:
    """So many entries stand under the newest checkpoint. Raises NotFound."""
    signed = latest_checkpoint(log)
    if signed is None or signed.size < entries:
        raise NotFound
