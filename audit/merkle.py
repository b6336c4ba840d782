"""Merkle trees by RFC 6962, section 2.1: the root of a list, and the path that proves one entry."""

from collections.abc import Sequence
from hashlib import sha256

from audit.commitments import leaf_hash


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 left right), 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def root(entries: Sequence[bytes]) -> bytes:
    """The tree's hash, 32 bytes; of no entries, SHA-256 of nothing."""
    if not entries:
        return sha256().digest()
    return _fold([leaf_hash(entry) for entry in entries])


def _fold(level: list[bytes]) -> bytes:
    """Pairs from the left; who is left over rises unchanged, which is the RFC's split."""
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
