"""From event to entry: the canonical parts, their commitments, the 34 bytes of the log.

Formats: audit-log.md, "From event to entry"; JSON is RFC 8785, hashing RFC 6962's.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import rfc8785

from audit.registry import EventClass
from semafore.kernel import clock

OPENING_LENGTH = 32
ENTRY_LENGTH = 34
ENTRY_VERSION = b"\x01"


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a value that `plain` takes."""
    return rfc8785.dumps(plain(value))


def plain(value: Any) -> Any:
    """JSON's own types: ids and times as strings, bytes as base64. Raises TypeError for floats."""
    match value:
        case None | bool():
            return value
        case str():
            # A str, also where it is an enum or a lazy subclass of one.
            return str(value)
        case int():
            return int(value)
        case UUID():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case datetime() if value.tzinfo is not None:
            return clock.rfc3339(value)
        case dict():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            message = f"{type(value).__name__} can't stand in an event"
            raise TypeError(message)


def part_commitment(name: str, opening: bytes, part: bytes) -> bytes:
    """c_part = SHA-256("semafore/part/v1" 00 name 00 opening part), 32 bytes."""
    return sha256(b"semafore/part/v1\0" + name.encode() + b"\0" + opening + part).digest()


def entry_of(event_class: EventClass, c_who: bytes, c_what: bytes) -> bytes:
    """01, class, SHA-256("semafore/event/v1" 00 class c_who c_what): 34 bytes."""
    kind = bytes([event_class])
    return ENTRY_VERSION + kind + sha256(b"semafore/event/v1\0" + kind + c_who + c_what).digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(00 entry), RFC 6962."""
    return sha256(b"\x00" + entry).digest()


@dataclass(frozen=True, slots=True)
class Committed:
    """An event's two parts, their openings and commitments, and its entry."""

    who: bytes
    who_opening: bytes
    c_who: bytes
    what: bytes
    what_opening: bytes
    c_what: bytes
    entry: bytes


def commit(
    event_class: EventClass,
    who: dict[str, Any],
    what: dict[str, Any],
    openings: tuple[bytes, bytes],
) -> Committed:
    """Commit to both parts under the given 32-byte random openings."""
    who_bytes, what_bytes = canonical(who), canonical(what)
    c_who = part_commitment("who", openings[0], who_bytes)
    c_what = part_commitment("what", openings[1], what_bytes)
    return Committed(
        who=who_bytes,
        who_opening=openings[0],
        c_who=c_who,
        what=what_bytes,
        what_opening=openings[1],
        c_what=c_what,
        entry=entry_of(event_class, c_who, c_what),
    )
