"""Reads of a log's tree: its head, its tiles, and the hashes of proofs (RFC 6962, section 2.1)."""

from collections.abc import Collection
from dataclasses import dataclass

from audit import merkle, tiles
from audit.logs import Log
from semafore.kernel.database import prepared_cursor

HEAD = "SELECT size, root, origin_number FROM {t}head WHERE {own}true"

TILES = """
SELECT tile.level, tile.index, tile.hashes
FROM unnest(%(levels)s::int[], %(indexes)s::bigint[]) AS wanted (level, index)
JOIN {t}tile AS tile
  ON {own:tile.}tile.level = wanted.level AND tile.index = wanted.index
"""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """How far a log goes: entries, their root, and which origin it has."""

    size: int
    root: bytes
    origin_number: int


NO_HEAD = TreeHead(0, tiles.EMPTY_ROOT, 1)


def tree_head(log: Log) -> TreeHead:
    """The head as sequenced, signed or not."""
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(HEAD), log.parameters())
        row = cursor.fetchone()
    return TreeHead(row[0], bytes(row[1]), row[2]) if row else NO_HEAD


def read_tiles(log: Log, wanted: Collection[tiles.TileId]) -> dict[tiles.TileId, bytes]:
    """These tiles, as far as they exist."""
    if not wanted:
        return {}
    with prepared_cursor() as cursor:
        cursor.execute(
            log.sql(TILES),
            log.parameters(
                levels=[level for level, _ in wanted], indexes=[index for _, index in wanted]
            ),
        )
        return {(level, index): bytes(hashes) for level, index, hashes in cursor.fetchall()}


def root_at(log: Log, size: int) -> bytes:
    """The root of the first `size` entries. Raises KeyError, ValueError if the log ends before."""
    return tiles.root(read_tiles(log, tiles.tiles_of([(0, size)])), size)


def inclusion_proof(log: Log, *, seq: int, size: int) -> list[bytes]:
    """The hashes from an entry to the root at this size, the nearest first.

    Raises IndexError unless seq < size; KeyError, ValueError where the log ends before.
    """
    return _hashes(log, merkle.inclusion_ranges(seq, size))


def consistency_proof(log: Log, *, old_size: int, size: int) -> list[bytes]:
    """The hashes that prove the tree at `size` to go on from the one at `old_size`.

    Raises IndexError unless 0 < old_size <= size; KeyError, ValueError where the log ends before.
    """
    return _hashes(log, merkle.consistency_ranges(old_size, size))


def _hashes(log: Log, ranges: list[merkle.Range]) -> list[bytes]:
    held = read_tiles(log, tiles.tiles_of(ranges))
    return [
        merkle.range_hash(leaves, lambda node: tiles.node_hash(held, node)) for leaves in ranges
    ]
