"""Curve25519 public keys as they arrive, and the XEdDSA signatures made with them.

Sources: RFC 7748 (X25519), RFC 8032 (Ed25519), Signal's XEdDSA specification, product.md section 2.
"""

from enum import StrEnum
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

PUBLIC_KEY_LENGTH: Final = 32
SIGNATURE_LENGTH: Final = 64

_FIELD_PRIME: Final = 2**255 - 19
_SIGN_BIT: Final = 0x80

# 2^255 - 19 is ed ff … ff 7f in little-endian order: a key needs a closer look only when its last
# byte is 7f or more, which one random key in 256 has below the bound.
_PRIME_FIRST_BYTE: Final = 0xED
_PRIME_LAST_BYTE: Final = 0x7F
_PRIME_MIDDLE: Final = b"\xff" * 30

# Every canonical u whose point has an order that divides 8, on the curve or on its twist: X25519
# with any private key turns these into zero. Their non-canonical spellings are refused before.
_LOW_ORDER: Final = frozenset(
    bytes.fromhex(u)
    for u in (
        # u = 0: order 2, on the curve and on the twist.
        "0000000000000000000000000000000000000000000000000000000000000000",
        # u = 1: order 4, on the curve.
        "0100000000000000000000000000000000000000000000000000000000000000",
        # u = p - 1: order 4, on the twist.
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        # The two u of order 8, on the curve.
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    )
)


class KeyDefect(StrEnum):
    """Why a public key is refused; the value is the code that the API answers with."""

    WRONG_LENGTH = "wrong_length"
    NON_CANONICAL = "non_canonical"
    LOW_ORDER = "low_order"


def check_public_key(key: bytes) -> KeyDefect | None:
    """Return what is wrong with a Curve25519 public key, or None (product.md section 2).

    A key on the twist passes: X25519 is safe there, and libsignal accepts it too.
    """
    if len(key) != PUBLIC_KEY_LENGTH:
        return KeyDefect.WRONG_LENGTH
    if key[31] >= _PRIME_LAST_BYTE and not _is_below_prime(key):
        return KeyDefect.NON_CANONICAL
    if key in _LOW_ORDER:
        return KeyDefect.LOW_ORDER
    return None


def verify_xeddsa(identity_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` is the identity key's XEdDSA signature over `message`; never raises.

    Bit 7 of the last byte is the Edwards sign: always 0 in the XEdDSA paper, the signer's own in
    libsignal. It enters the hash, so of its two values at most one verifies.
    """
    if len(signature) != SIGNATURE_LENGTH:
        return False
    edwards_key = to_edwards(identity_key, sign=bool(signature[63] & _SIGN_BIT))
    if edwards_key is None:
        return False
    signed = signature[:63] + bytes((signature[63] & ~_SIGN_BIT,)) + message
    try:
        # libsodium refuses s >= L, and any R but the canonical encoding of sB - hA, by itself;
        # the tests hold it to that.
        crypto_sign_open(signed, edwards_key)
    except BadSignatureError:
        return False
    return True


def to_edwards(identity_key: bytes, *, sign: bool) -> bytes | None:
    """Map a Curve25519 public key to the Ed25519 one, y = (u - 1) / (u + 1), with the given sign.

    None when there is no such key that an honest device could have made: a defective u, a point on
    the twist, or one with a low-order part (which libsodium accepts for one signature in eight).
    """
    if check_public_key(identity_key) is not None:
        return None
    u = int.from_bytes(identity_key, "little")
    # u = -1 has no inverse, but it is of low order and was refused above.
    y = (u - 1) * pow(u + 1, -1, _FIELD_PRIME) % _FIELD_PRIME
    edwards_key = (y | sign << 255).to_bytes(PUBLIC_KEY_LENGTH, "little")
    return edwards_key if crypto_core_ed25519_is_valid_point(edwards_key) else None


def _is_below_prime(key: bytes) -> bool:
    """Tell whether 32 bytes whose last is 7f or more are a number below 2^255 - 19."""
    if key[31] != _PRIME_LAST_BYTE:
        return False
    return key[1:31] != _PRIME_MIDDLE or key[0] < _PRIME_FIRST_BYTE
