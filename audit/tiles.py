"""Tiles (C2SP tlog-tiles): 256 hashes each, in which a log's tree is kept and published.

A tile of level 0 holds leaf hashes; one of level n holds the hashes of full tiles of level n - 1.
A tile only grows, at the right edge of its level, so an older and narrower one is its beginning.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from audit import merkle

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH = 32
"""Bytes of a hash."""

TileId = tuple[int, int]
"""Level and index."""

EMPTY_ROOT = sha256().digest()
"""The root of a log without entries."""


def tile_of(node: merkle.Node) -> TileId:
    """Which tile has a complete subtree's hashes."""
    height, index = node
    level, above = divmod(height, HEIGHT)
    return level, (index << above) >> HEIGHT


def tiles_of(ranges: Iterable[merkle.Range]) -> set[TileId]:
    """Which tiles the hashes of these ranges are made from."""
    return {tile_of(node) for leaves in ranges for node in merkle.subtrees(leaves)}


def node_hash(tiles: Mapping[TileId, bytes], node: merkle.Node) -> bytes:
    """A complete subtree's hash. Raises KeyError without its tile, ValueError if that is short."""
    height, index = node
    above = height % HEIGHT
    first = ((index << above) % WIDTH) * HASH
    last = first + (HASH << above)
    tile = tiles[tile_of(node)]
    if len(tile) < last:
        raise ValueError(f"tile {tile_of(node)} has {len(tile) // HASH} hashes")
    return merkle.fold(hashes_of(tile[first:last]))


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes that stand in a tile."""
    return [tile[at : at + HASH] for at in range(0, len(tile), HASH)]


def edge(size: int) -> set[TileId]:
    """The tiles at the right edge of a log that aren't full: its root, and what appending needs."""
    found, level = set(), 0
    while size:
        if size % WIDTH:
            found.add((level, size // WIDTH))
        size //= WIDTH
        level += 1
    return found


def root(tiles: Mapping[TileId, bytes], size: int) -> bytes:
    """The root of the first `size` leaves, from the tiles that `edge(size)` names."""
    if not size:
        return EMPTY_ROOT
    return merkle.range_hash((0, size), lambda node: node_hash(tiles, node))


def extended(
    tiles: Mapping[TileId, bytes], size: int, leaves: Sequence[bytes]
) -> dict[TileId, bytes]:
    """The tiles that change, as they are with these leaves; `tiles` are those of `edge(size)`."""
    changed: dict[TileId, bytes] = {}
    level, hashes = 0, list(leaves)
    while hashes:
        index, filled = divmod(size, WIDTH)
        held = tiles[level, index] if filled else b""
        whole = held[: filled * HASH] + b"".join(hashes)
        hashes = []
        for at in range(0, len(whole), WIDTH * HASH):
            tile = whole[at : at + WIDTH * HASH]
            changed[level, index] = tile
            if len(tile) == WIDTH * HASH:
                hashes.append(merkle.fold(hashes_of(tile)))
            index += 1
        size //= WIDTH
        level += 1
    return changed
