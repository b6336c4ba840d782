"""Proofs as files: C2SP tlog-proof, whose `extra` opens what the asker may see (audit-log.md)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit import merkle
from audit.commitments import canonical

HEADER = "c2sp.org/tlog-proof@v1"
EXTRA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an event as it is kept: its bytes and opening, None once they are deleted."""

    name: str
    text: bytes | None
    opening: bytes | None
    commitment: bytes

    def shown(self, *, opened: bool) -> dict[str, Any]:
        """What `extra` holds of it: text and opening, or the commitment alone."""
        if opened and self.text is not None and self.opening is not None:
            return {self.name: self.text.decode(), f"{self.name}_opening": self.opening}
        return {f"c_{self.name}": self.commitment}


def parts_shown(parts: Sequence[Part], opened: frozenset[str]) -> dict[str, Any]:
    """Both parts for `extra`; `withheld` names those that exist and aren't opened."""
    shown: dict[str, Any] = {}
    for part in parts:
        shown |= part.shown(opened=part.name in opened)
    withheld = [one.name for one in parts if one.text is not None and one.name not in opened]
    return shown | ({"withheld": withheld} if withheld else {})


def content_shown(sha256: bytes, siblings: Sequence[bytes]) -> dict[str, Any]:
    """That a ciphertext's hash is one of the content root's. Raises ValueError if it isn't."""
    leaves = sorted(siblings)
    index = leaves.index(sha256)
    path = merkle.path(leaves, index)
    return {"sha256": sha256, "index": index, "count": len(leaves), "path": path}


def tlog_proof(*, index: int, hashes: Sequence[bytes], note: str, extra: dict[str, Any]) -> str:
    """The file: header, `extra` (canonical JSON in base64), index, a hash a line, checkpoint."""
    lines = [
        HEADER,
        f"extra {_base64(canonical({'v': EXTRA_VERSION, **extra}))}",
        f"index {index}",
        *map(_base64, hashes),
    ]
    return "".join(f"{line}\n" for line in lines) + "\n" + note


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
