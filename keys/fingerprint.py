"""What two sides compare: people a device's fingerprint, a device and the server the bundle digest.

Sources: product.md section 2 (fingerprint and its vector), api.md (digest).
"""

import hashlib
from typing import Final
from uuid import UUID

from keys.messages import encode_public_key

_VERSION: Final = b"\x00\x00"
_ROUNDS: Final = 5200
_GROUPS: Final = 12
_GROUP_BYTES: Final = 5
_GROUP_DIGITS: Final = 5


def fingerprint(identity_key: bytes, device_id: UUID) -> str:
    """Return the twelve groups of five digits that approver and device holder read to each other.

    5200 rounds of SHA-512 (some milliseconds): making a second key that looks alike must cost that
    for every try. Raises ValueError unless the identity key is 32 bytes.
    """
    key = encode_public_key(identity_key)
    digest = _VERSION + key + device_id.bytes
    for _ in range(_ROUNDS):
        digest = hashlib.sha512(digest + key).digest()
    return " ".join(
        _group(digest[start : start + _GROUP_BYTES])
        for start in range(0, _GROUPS * _GROUP_BYTES, _GROUP_BYTES)
    )


def bundle_digest(
    identity_key: bytes, signed_pre_key: tuple[int, bytes] | None, one_time_pre_keys: bytes
) -> bytes:
    """Return SHA-256 over the IK, the current SPK (key id, key) and the available OPKs.

    The OPKs come as `numbered` keys joined in id order. Server and device agree on the bundle
    exactly when their digests do.
    """
    current = b"" if signed_pre_key is None else numbered(*signed_pre_key)
    return hashlib.sha256(identity_key + current + one_time_pre_keys).digest()


def numbered(key_id: int, public_key: bytes) -> bytes:
    """Return a key as the digest takes it: its id in 8 bytes, big-endian, and the key."""
    return key_id.to_bytes(8, "big") + public_key


def _group(part: bytes) -> str:
    number = int.from_bytes(part, "big") % 10**_GROUP_DIGITS
    return f"{number:0{_GROUP_DIGITS}d}"
