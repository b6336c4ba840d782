"""The verifier's own Ed25519 against PyNaCl's, on good signatures and every kind of bad one."""

from collections.abc import Callable
from hashlib import sha512

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from audit.verifier import (
    _BASE,
    _L,
    _P,
    _ZERO,
    Point,
    _add,
    _ed25519_by_nacl,
    _encoded,
    _point,
    ed25519_by_hand,
)

SMALL_ORDER = [
    bytes.fromhex(encoded)
    for encoded in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
]
# 1, -1 and others with a sign that zero hasn't, or with p added.
NOT_CANONICAL = [
    (1 | 1 << 255).to_bytes(32, "little"),
    (_P - 1 | 1 << 255).to_bytes(32, "little"),
    *((_P + number).to_bytes(32, "little") for number in range(19)),
    *((_P + number | 1 << 255).to_bytes(32, "little") for number in range(19)),
]
MESSAGE = b"log.example.org/log/acme\n7\nroot\n"
SECRET = bytes(range(32))
KEY = SigningKey(SECRET)
PUBLIC = bytes(KEY.verify_key)
SIGNATURE = KEY.sign(MESSAGE).signature
SCALAR = int.from_bytes(sha512(SECRET).digest()[:32], "little") & (1 << 254) - 8 | 1 << 254
Verify = Callable[[bytes, bytes, bytes], bool]
IMPLEMENTATIONS = pytest.mark.parametrize("verify", [ed25519_by_hand, _ed25519_by_nacl])


def times(factor: int, point: Point) -> Point:
    """The multiple of a point."""
    found = _ZERO
    for bit in f"{factor:b}":
        found = _add(found, found)
        found = _add(found, point) if bit == "1" else found
    return found


def decoded(encoded: bytes) -> Point:
    """The point; the encoding is a good one."""
    point = _point(encoded)
    assert point is not None
    return point


BASE = decoded(_encoded(_BASE))  # type: ignore[arg-type]
TORSION = decoded(SMALL_ORDER[3])


def equation(public: bytes, nonce: int, commitment: bytes) -> bytes:
    """A signature whose S fits R and A but for what has small order in them."""
    digest = sha512(commitment + public + MESSAGE).digest()
    factor = int.from_bytes(digest, "little") % _L
    return commitment + ((nonce + factor * SCALAR) % _L).to_bytes(32, "little")


def test_the_secret_scalar_is_the_keys() -> None:
    assert _encoded(times(SCALAR, BASE)) == PUBLIC


@IMPLEMENTATIONS
def test_a_good_signature(verify: Verify) -> None:
    assert verify(PUBLIC, MESSAGE, SIGNATURE)
    assert verify(PUBLIC, MESSAGE, equation(PUBLIC, 7, _encoded(times(7, BASE))))


@settings(max_examples=60, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_what_pynacl_signs_is_good_and_nothing_beside_it(seed: bytes, message: bytes) -> None:
    key = SigningKey(seed)
    signature = key.sign(message).signature

    assert ed25519_by_hand(bytes(key.verify_key), message, signature)
    assert not ed25519_by_hand(bytes(key.verify_key), message + b"\0", signature)


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 95), flip=st.integers(1, 255))
def test_no_byte_of_signature_or_key_is_free(at: int, flip: int) -> None:
    both = bytearray(SIGNATURE + PUBLIC)
    both[at] ^= flip
    signature, public = bytes(both[:64]), bytes(both[64:])

    assert not ed25519_by_hand(public, MESSAGE, signature)
    assert not _ed25519_by_nacl(public, MESSAGE, signature)


@IMPLEMENTATIONS
@pytest.mark.parametrize("times_l", range(1, 15))
def test_s_has_one_form(verify: Verify, times_l: int) -> None:
    scalar = int.from_bytes(SIGNATURE[32:], "little") + times_l * _L

    assert not verify(PUBLIC, MESSAGE, SIGNATURE[:32] + scalar.to_bytes(32, "little"))


@IMPLEMENTATIONS
@pytest.mark.parametrize("public", SMALL_ORDER + NOT_CANONICAL)
def test_keys_of_small_order_or_without_canonical_form_sign_nothing(
    verify: Verify, public: bytes
) -> None:
    # With such a key, R = S·B would do for one message in eight or for all.
    for nonce in range(16):
        commitment = _encoded(times(nonce, BASE))
        assert not verify(public, MESSAGE, commitment + nonce.to_bytes(32, "little"))


@IMPLEMENTATIONS
@pytest.mark.parametrize("commitment", SMALL_ORDER + NOT_CANONICAL)
def test_r_is_not_of_small_order_and_canonical(verify: Verify, commitment: bytes) -> None:
    assert not verify(PUBLIC, MESSAGE, equation(PUBLIC, 0, commitment))


@IMPLEMENTATIONS
def test_the_check_has_no_cofactor(verify: Verify) -> None:
    shifted = _encoded(_add(times(7, BASE), TORSION))

    assert not verify(PUBLIC, MESSAGE, equation(PUBLIC, 7, shifted))


def test_both_judge_keys_of_mixed_order_alike() -> None:
    mixed = _encoded(_add(times(SCALAR, BASE), TORSION))
    verdicts = []
    for nonce in range(1, 33):
        signature = equation(mixed, nonce, _encoded(times(nonce, BASE)))
        verdicts.append(ed25519_by_hand(mixed, MESSAGE, signature))
        assert verdicts[-1] == _ed25519_by_nacl(mixed, MESSAGE, signature)
    assert set(verdicts) == {True, False}


@IMPLEMENTATIONS
@pytest.mark.parametrize("length", [0, 32, 63, 65, 128])
def test_other_lengths_are_no_signatures(verify: Verify, length: int) -> None:
    assert not verify(PUBLIC, MESSAGE, (SIGNATURE * 2)[:length])


@pytest.mark.parametrize("encoded", NOT_CANONICAL)
def test_a_point_has_one_encoding(encoded: bytes) -> None:
    assert _point(encoded) is None


def test_what_is_no_point_is_none() -> None:
    none = [number for number in range(2, 40) if _point(number.to_bytes(32, "little")) is None]

    assert 2 in none
    assert len(none) > 10
    assert not ed25519_by_hand((2).to_bytes(32, "little"), MESSAGE, SIGNATURE)
