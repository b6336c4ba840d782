"""The byte strings that a device signs with its identity key: each made here and nowhere else.

Every part has a fixed length and all but the first message begin with a domain string of their own,
so no signature can be read as one over another message. Sources: api.md, X3DH section 2.4.
"""

import hashlib
from typing import Final
from uuid import UUID

from keys.curve import PUBLIC_KEY_LENGTH

CHALLENGE_LENGTH: Final = 32

_KEY_TYPE_CURVE25519: Final = b"\x05"
_ENROLMENT: Final = b"semafore/enrol/v1\0"
_DEVICE_AUTH: Final = b"semafore/device-auth/v1\0"
_ENDORSEMENT: Final = b"semafore/endorse/v1\0"


def encode_public_key(public_key: bytes) -> bytes:
    """Return Signal's encoding of a Curve25519 public key: its type, 0x05, and the 32 bytes.

    Raises ValueError for any other length.
    """
    return _KEY_TYPE_CURVE25519 + _exactly(PUBLIC_KEY_LENGTH, public_key)


def signed_pre_key_message(public_key: bytes) -> bytes:
    """Return what the identity key signs for a signed pre-key: `0x05 || SPK`.

    No domain string: libsignal's devices sign exactly this. Raises ValueError on a wrong length.
    """
    return encode_public_key(public_key)


def enrolment_message(onboarding_id: UUID, identity_key: bytes) -> bytes:
    """Return what proves possession at enrolment: domain, onboarding id (16 bytes), IK.

    Bound to the onboarding, so a proof can't be replayed in another. Raises ValueError on a length.
    """
    return _ENROLMENT + onboarding_id.bytes + _exactly(PUBLIC_KEY_LENGTH, identity_key)


def device_auth_message(
    base_url: str,
    challenge: bytes,
    device_id: UUID,
    organisation_id: UUID,
) -> bytes:
    """Return what a device signs for a token: domain, SHA-256(base URL), challenge (32), both ids.

    The base URL counts without a trailing slash; it keeps a signature asked for by one server from
    serving at another. Raises ValueError on a challenge of another length.
    """
    return (
        _DEVICE_AUTH
        + hashlib.sha256(base_url.rstrip("/").encode()).digest()
        + _exactly(CHALLENGE_LENGTH, challenge)
        + device_id.bytes
        + organisation_id.bytes
    )


def endorsement_message(
    organisation_id: UUID,
    endorser_device_id: UUID,
    identity_key: bytes,
) -> bytes:
    """Return what an approved device signs to vouch for a new IK: domain, both ids, the new IK.

    Raises ValueError unless the identity key is 32 bytes.
    """
    return (
        _ENDORSEMENT
        + organisation_id.bytes
        + endorser_device_id.bytes
        + _exactly(PUBLIC_KEY_LENGTH, identity_key)
    )


def _exactly(length: int, value: bytes) -> bytes:
    """Return `value`; raise ValueError unless it has `length` bytes, lest joined parts shift."""
    if len(value) != length:
        raise ValueError(f"expected {length} bytes, got {len(value)}")
    return value
