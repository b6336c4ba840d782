"""Public keys and XEdDSA signatures, against vectors, a second implementation and forgeries."""

import contextlib
import hashlib
import json
from pathlib import Path
from typing import TypedDict

import pytest
import xeddsa
from hypothesis import assume, given
from hypothesis import strategies as st
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_scalarmult,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_sign_open,
)
from nacl.exceptions import BadSignatureError

from keys.curve import KeyDefect, check_public_key, to_edwards, verify_xeddsa
from keys.messages import signed_pre_key_message

FIELD_PRIME = 2**255 - 19
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
SIGN_BIT = 0x80

# Of order 8 on edwards25519 (RFC 8032's curve); its multiples are all points of low order.
TORSION_POINT = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")

# Seeds become clamped private keys, as both libraries keep them.
private_keys = st.binary(min_size=32, max_size=32).map(xeddsa.seed_to_priv)
messages = st.binary(max_size=200)


class Vector(TypedDict):
    """One signature made with libsignal or with `xeddsa`, or spoilt; all values in hex."""

    kind: str
    identity_key: str
    signed_pre_key: str
    signature: str
    valid: bool


VECTORS: list[Vector] = json.loads(
    (Path(__file__).parent / "xeddsa_vectors.json").read_text(encoding="utf-8")
)


def little(number: int) -> bytes:
    """The 32 bytes of a number, little-endian."""
    return number.to_bytes(32, "little")


def sign_like_the_paper(private_key: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Identity key and signature, the private key negated where needed so that the sign is 0."""
    forced = xeddsa.priv_force_sign(private_key, set_sign_bit=False)
    return xeddsa.priv_to_curve25519_pub(private_key), xeddsa.ed25519_priv_sign(forced, message)


def sign_like_libsignal(private_key: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Identity key and signature, the key's own sign in bit 7 of the last byte."""
    signature = xeddsa.ed25519_priv_sign(private_key, message)
    sign = xeddsa.priv_to_ed25519_pub(private_key)[31] & SIGN_BIT
    return (
        xeddsa.priv_to_curve25519_pub(private_key),
        signature[:63] + bytes([signature[63] | sign]),
    )


def sign_with(point_added_to_r: bytes, scalar: int, edwards_key: bytes, message: bytes) -> bytes:
    """A signature whose R was moved by a point: s fits the hash over the moved R."""
    nonce = int.from_bytes(hashlib.sha512(message + little(scalar)).digest(), "little")
    r = crypto_core_ed25519_add(
        crypto_scalarmult_ed25519_base_noclamp(little(nonce % GROUP_ORDER)), point_added_to_r
    )
    challenge = int.from_bytes(hashlib.sha512(r + edwards_key + message).digest(), "little")
    return r + little((nonce + challenge * scalar) % GROUP_ORDER)


def multiples_of_torsion() -> list[bytes]:
    """The eight points of low order on edwards25519, the neutral one first."""
    points = [little(1)]
    while len(points) < 8:
        points.append(crypto_core_ed25519_add(points[-1], TORSION_POINT))
    return points


def to_u(edwards_key: bytes) -> int:
    """The Montgomery u = (1 + y) / (1 - y) of an Edwards point; 0 for the neutral one."""
    y = int.from_bytes(edwards_key, "little") & ((1 << 255) - 1)
    return (1 + y) * pow(1 - y, FIELD_PRIME - 2, FIELD_PRIME) % FIELD_PRIME


def little_64(number: int) -> bytes:
    """The 64 bytes of a number, little-endian."""
    return number.to_bytes(64, "little")


def flip_one_bit(value: bytes, data: st.DataObject) -> bytes:
    """The value with one bit, of Hypothesis's choice, inverted."""
    bit = data.draw(st.integers(min_value=0, max_value=8 * len(value) - 1))
    return (int.from_bytes(value, "little") ^ 1 << bit).to_bytes(len(value), "little")


def key_with_known_scalar() -> tuple[bytes, int]:
    """An identity key and its private scalar, negated where needed so that the sign is 0."""
    scalar = 0x1234567890ABCDEF << 128 | 7
    edwards_key = crypto_scalarmult_ed25519_base_noclamp(little(scalar))
    if edwards_key[31] & SIGN_BIT:
        scalar = GROUP_ORDER - scalar
    return little(to_u(edwards_key)), scalar


def test_there_are_106_vectors() -> None:
    assert len(VECTORS) == 106
    assert sum(vector["valid"] for vector in VECTORS) == 60


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["kind"])
def test_vector(vector: Vector) -> None:
    message = signed_pre_key_message(bytes.fromhex(vector["signed_pre_key"]))
    identity_key = bytes.fromhex(vector["identity_key"])
    signature = bytes.fromhex(vector["signature"])

    assert verify_xeddsa(identity_key, message, signature) is vector["valid"]


@given(private_keys)
def test_an_honest_key_has_no_defect(private_key: bytes) -> None:
    assert check_public_key(xeddsa.priv_to_curve25519_pub(private_key)) is None


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    assert check_public_key(b"\x09" * length) is KeyDefect.WRONG_LENGTH


@pytest.mark.parametrize(
    "number",
    [*range(FIELD_PRIME, 2**255), 2**255, 2**255 + 9, 2**255 + FIELD_PRIME, 2**256 - 1],
)
def test_a_number_that_is_no_field_element_is_refused(number: int) -> None:
    assert check_public_key(little(number)) is KeyDefect.NON_CANONICAL


@pytest.mark.parametrize("number", [2, 9, FIELD_PRIME - 2, FIELD_PRIME - 256, 0x7F << 248])
def test_numbers_around_the_bounds_pass(number: int) -> None:
    assert check_public_key(little(number)) is None


@given(st.integers(min_value=0, max_value=2**256 - 1))
def test_canonical_means_below_the_prime(number: int) -> None:
    refused = check_public_key(little(number)) is KeyDefect.NON_CANONICAL
    assert refused == (number >= FIELD_PRIME)


def test_every_low_order_point_is_refused() -> None:
    # On the twist the orders that divide 8 are 1, 2 and 4: u = 0 again and u = -1.
    low = {to_u(point) for point in multiples_of_torsion()} | {FIELD_PRIME - 1}

    assert len(low) == 5
    for u in low:
        assert check_public_key(little(u)) is KeyDefect.LOW_ORDER
        with pytest.raises(RuntimeError):
            crypto_scalarmult(b"\x42" * 32, little(u))
    for u in low:
        assert check_public_key(little(u + 2**255)) is KeyDefect.NON_CANONICAL


@given(private_keys, st.booleans())
def test_the_map_to_edwards_agrees_with_another_implementation(
    private_key: bytes,
    sign: bool,
) -> None:
    identity_key = xeddsa.priv_to_curve25519_pub(private_key)

    expected = xeddsa.curve25519_pub_to_ed25519_pub(identity_key, sign)
    assert to_edwards(identity_key, sign=sign) == expected


@given(private_keys, messages)
def test_both_conventions_verify(private_key: bytes, message: bytes) -> None:
    for sign in (sign_like_the_paper, sign_like_libsignal):
        identity_key, signature = sign(private_key, message)

        assert verify_xeddsa(identity_key, message, signature)


@given(private_keys, messages, st.integers(min_value=0, max_value=511), st.booleans())
def test_no_bit_of_a_signature_can_change(
    private_key: bytes,
    message: bytes,
    bit: int,
    libsignal: bool,
) -> None:
    sign = sign_like_libsignal if libsignal else sign_like_the_paper
    identity_key, signature = sign(private_key, message)

    # Bit 511, the sign of the Edwards key, included: the key goes into the hash with its sign, so
    # the signature of one sign isn't valid under the other.
    changed = little_64(int.from_bytes(signature, "little") ^ 1 << bit)

    assert not verify_xeddsa(identity_key, message, changed)


@given(private_keys, messages, st.data())
def test_no_bit_of_the_message_or_key_can_change(
    private_key: bytes,
    message: bytes,
    data: st.DataObject,
) -> None:
    assume(message)
    identity_key, signature = sign_like_the_paper(private_key, message)

    assert not verify_xeddsa(identity_key, flip_one_bit(message, data), signature)
    assert not verify_xeddsa(flip_one_bit(identity_key, data), message, signature)
    assert not verify_xeddsa(identity_key, message + b"\0", signature)


@given(private_keys, messages, st.integers(min_value=1, max_value=7), st.booleans())
def test_adding_the_group_order_to_s_is_refused(
    private_key: bytes,
    message: bytes,
    times: int,
    libsignal: bool,
) -> None:
    sign = sign_like_libsignal if libsignal else sign_like_the_paper
    identity_key, signature = sign(private_key, message)
    scalar = int.from_bytes(signature[32:], "little")
    sign_bit = scalar & 1 << 255
    moved = (scalar ^ sign_bit) + times * GROUP_ORDER
    assume(moved < 2**255)

    assert not verify_xeddsa(identity_key, message, signature[:32] + little(moved | sign_bit))


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    identity_key, signature = sign_like_the_paper(b"\x21" * 32, b"message")

    assert not verify_xeddsa(identity_key, b"message", (signature + b"\0")[:length])


@pytest.mark.parametrize("u", [0, 1, FIELD_PRIME - 1, FIELD_PRIME, FIELD_PRIME + 1])
@pytest.mark.parametrize("r", multiples_of_torsion())
def test_a_low_order_key_signs_nothing(u: int, r: bytes) -> None:
    for sign in (0, SIGN_BIT):
        assert not verify_xeddsa(little(u), b"message", r + bytes(31) + bytes([sign]))


def test_a_key_on_the_twist_signs_nothing() -> None:
    # u = 2 is on the twist: fit for X25519, but no Edwards point and so no signer.
    assert check_public_key(little(2)) is None
    assert to_edwards(little(2), sign=False) is None
    assert not verify_xeddsa(little(2), b"message", little(1) + bytes(32))


@pytest.mark.parametrize("point", multiples_of_torsion()[1:])
def test_an_r_with_a_low_order_part_is_refused(point: bytes) -> None:
    # Verifiers that multiply by the cofactor accept these and others don't: libsodium's answer
    # must stay the strict one, or the server would store what a device then refuses.
    identity_key, scalar = key_with_known_scalar()
    edwards_key = to_edwards(identity_key, sign=False)
    assert edwards_key is not None

    honest = sign_with(little(1), scalar, edwards_key, b"message")
    moved = sign_with(point, scalar, edwards_key, b"message")

    assert verify_xeddsa(identity_key, b"message", honest)
    assert not verify_xeddsa(identity_key, b"message", moved)


@pytest.mark.parametrize("point", multiples_of_torsion()[1:])
def test_a_key_with_a_low_order_part_signs_nothing(point: bytes) -> None:
    # One device could otherwise enrol under eight identity keys that X25519 treats as the same.
    identity_key, scalar = key_with_known_scalar()
    edwards_key = to_edwards(identity_key, sign=False)
    assert edwards_key is not None
    mixed = crypto_core_ed25519_add(edwards_key, point)
    accepted_by_libsodium = 0

    for number in range(200):
        message = b"message %d" % number
        signature = sign_with(little(1), scalar, mixed, message)
        sign = mixed[31] & SIGN_BIT
        with contextlib.suppress(BadSignatureError):
            crypto_sign_open(signature + message, mixed)
            accepted_by_libsodium += 1
        signature = signature[:63] + bytes([signature[63] | sign])
        assert not verify_xeddsa(little(to_u(mixed)), message, signature)

    assert accepted_by_libsodium, "this test shows nothing any more"
