"""X25519 and XEdDSA written out from their specifications, with every step to be looked at.

A second implementation on purpose: the simulated client uses the packages `x3dh`, `xeddsa` and
`doubleratchet`, and the tests hold the two against each other.
"""

from dataclasses import dataclass
from hashlib import sha512

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from nacl.bindings import (
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_negate,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
)

SIGN_BIT = 0x80
HASH_1 = b"\xfe" + b"\xff" * 31


def clamped(seed: bytes) -> bytes:
    """A private key from 32 bytes, as RFC 7748 section 5 says."""
    return bytes([seed[0] & 248]) + seed[1:31] + bytes([seed[31] & 127 | 64])


def public_key(private_key: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def x25519(private_key: bytes, public: bytes) -> bytes:
    """The shared 32 bytes; raises ValueError where they are all zero."""
    return X25519PrivateKey.from_private_bytes(private_key).exchange(
        X25519PublicKey.from_public_bytes(public)
    )


def _reduced(wide: bytes) -> bytes:
    return crypto_core_ed25519_scalar_reduce(wide)


@dataclass(frozen=True)
class Signing:
    """What XEdDSA computes on its way to a signature (its section 2.5, with its names)."""

    scalar: bytes
    edwards_key: bytes
    r: bytes
    big_r: bytes
    h: bytes
    s: bytes
    signature: bytes


def sign(private_key: bytes, message: bytes, random: bytes, *, libsignal: bool = False) -> Signing:
    """An XEdDSA signature with these 64 random bytes.

    The paper negates the scalar where the Edwards key has sign 1, so that bit 7 of the last byte is
    always 0; libsignal leaves the scalar and puts the sign there.
    """
    # The private key is clamped, so below 2^255: reduced, the scalar is the same on the curve.
    scalar = _reduced(private_key + bytes(32))
    edwards = crypto_scalarmult_ed25519_base_noclamp(scalar)
    sign_bit = edwards[31] & SIGN_BIT
    prefix = private_key
    if sign_bit and not libsignal:
        scalar = crypto_core_ed25519_scalar_negate(scalar)
        edwards = edwards[:31] + bytes([edwards[31] & ~SIGN_BIT])
        sign_bit, prefix = 0, scalar
    r = _reduced(sha512(HASH_1 + prefix + message + random).digest())
    big_r = crypto_scalarmult_ed25519_base_noclamp(r)
    h = _reduced(sha512(big_r + edwards + message).digest())
    s = crypto_core_ed25519_scalar_add(r, crypto_core_ed25519_scalar_mul(h, scalar))
    signature = big_r + s[:31] + bytes([s[31] | sign_bit])
    return Signing(scalar, edwards, r, big_r, h, s, signature)
