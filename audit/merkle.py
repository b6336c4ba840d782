"""Merkle trees by RFC 6962, section 2.1: roots, and what proves an entry or an earlier tree.

Of a list in memory, `root` and `path`. Of a log that is too long for that, which ranges of leaves a
proof takes the hashes of; every range is made of complete subtrees, and those stand in tiles.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from audit.commitments import leaf_hash


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 left right), 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def root(entries: Sequence[bytes]) -> bytes:
    """The tree's hash, 32 bytes; of no entries, SHA-256 of nothing."""
    if not entries:
        return sha256().digest()
    return fold([leaf_hash(entry) for entry in entries])


def fold(level: Sequence[bytes]) -> bytes:
    """Pairs from the left; who is left over rises unchanged, which is the RFC's split."""
    level = list(level)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=False)] + odd
    return level[0]


def path(entries: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from the entry at `index` to the root, the nearest first.

    Raises IndexError.
    """
    if not 0 <= index < len(entries):
        raise IndexError(index)
    level = [leaf_hash(entry) for entry in entries]
    found = []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        odd = level[-1:] if len(level) % 2 else []
        level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=False)] + odd
        index //= 2
    return found


Range = tuple[int, int]
"""Leaves from the first to before the last, as they stand under one node of the tree."""

Node = tuple[int, int]
"""A complete subtree: its height, and its index among those of this height; 2**height leaves."""


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes lead from the leaf to the root of the first `size` leaves.

    RFC 6962, section 2.1.1, the nearest first. Raises IndexError.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    found: list[Range] = []
    first, last = 0, size
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            found.append((middle, last))
            last = middle
        else:
            found.append((first, middle))
            first = middle
    return found[::-1]


def consistency_ranges(old_size: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that the first `old_size` of `size` leaves are unchanged.

    RFC 6962, section 2.1.2. Raises IndexError unless 0 < old_size <= size.
    """
    if not 0 < old_size <= size:
        raise IndexError(old_size)
    found: list[Range] = []
    first, last = 0, size
    while old_size != last:
        middle = first + _split(last - first)
        if old_size <= middle:
            found.append((middle, last))
            last = middle
        else:
            found.append((first, middle))
            first = middle
    if first:
        found.append((first, last))
    return found[::-1]


def _split(size: int) -> int:
    """The largest power of two that is less than the size."""
    return 1 << (size - 1).bit_length() - 1


def subtrees(leaves: Range) -> list[Node]:
    """The complete subtrees that a node's leaves are made of, the largest first."""
    first, last = leaves
    found: list[Node] = []
    while first < last:
        height = (last - first).bit_length() - 1
        found.append((height, first >> height))
        first += 1 << height
    return found


def range_hash(leaves: Range, hash_of: Callable[[Node], bytes]) -> bytes:
    """The hash of a node, from those of its complete subtrees; 32 bytes."""
    *left, found = [hash_of(node) for node in subtrees(leaves)]
    for one in reversed(left):
        found = node_hash(one, found)
    return found
