"""Identifiers."""

import secrets
from datetime import datetime
from uuid import UUID

from semafore.kernel import clock

RANDOM_BYTES = 10


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, version 7): rows written together lie together."""
    return uuid7s(1)[0]


def uuid7s(number: int) -> list[UUID]:
    """So many at once: the operating system's random bytes are asked for once."""
    bits = _bits_of(clock.now())
    noise = secrets.token_bytes(RANDOM_BYTES * number)
    return [
        _version_7(bits | int.from_bytes(noise[at : at + RANDOM_BYTES]))
        for at in range(0, len(noise), RANDOM_BYTES)
    ]


def _version_7(bits: int) -> UUID:
    bits = (bits & ~(0xF << 76)) | (0x7 << 76)
    return UUID(int=(bits & ~(0x3 << 62)) | (0x2 << 62))


def first_uuid7(at: datetime) -> UUID:
    """Not greater than any `uuid7` made from then on, and greater than those made before."""
    return UUID(int=_bits_of(at))


def _bits_of(moment: datetime) -> int:
    """Its milliseconds, where a version 7 UUID has them."""
    return int(moment.timestamp() * 1000) << 80
