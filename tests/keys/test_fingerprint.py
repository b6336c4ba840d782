"""What is signed and compared, to the byte: clients on other platforms build the same strings."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.fingerprint import bundle_digest, fingerprint, numbered
from keys.messages import (
    device_auth_message,
    endorsement_message,
    enrolment_message,
    signed_pre_key_message,
)

IDENTITY_KEY = bytes(range(32))
DEVICE_ID = UUID(bytes=bytes(range(16)))
OTHER_ID = UUID(bytes=bytes(range(16, 32)))


def test_the_published_vector() -> None:
    assert fingerprint(IDENTITY_KEY, DEVICE_ID) == (
        "44392 79414 27895 52997 92725 63161 21019 40328 55042 94095 76206 50319"
    )


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.uuids())
def test_a_fingerprint_is_twelve_groups_of_five_digits(key: bytes, device_id: UUID) -> None:
    groups = fingerprint(key, device_id).split(" ")

    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdecimal() for group in groups)


def test_key_and_device_both_count() -> None:
    shown = fingerprint(IDENTITY_KEY, DEVICE_ID)

    assert shown != fingerprint(IDENTITY_KEY, OTHER_ID)
    assert shown != fingerprint(IDENTITY_KEY[::-1], DEVICE_ID)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_has_no_fingerprint(length: int) -> None:
    with pytest.raises(ValueError, match="expected 32 bytes"):
        fingerprint(bytes(length), DEVICE_ID)


def test_signed_pre_key_message() -> None:
    assert signed_pre_key_message(IDENTITY_KEY) == b"\x05" + IDENTITY_KEY


def test_enrolment_message() -> None:
    assert enrolment_message(DEVICE_ID, IDENTITY_KEY) == (
        b"semafore/enrol/v1\x00" + DEVICE_ID.bytes + IDENTITY_KEY
    )


def test_endorsement_message() -> None:
    assert endorsement_message(DEVICE_ID, OTHER_ID, IDENTITY_KEY) == (
        b"semafore/endorse/v1\x00" + DEVICE_ID.bytes + OTHER_ID.bytes + IDENTITY_KEY
    )


@pytest.mark.parametrize("base_url", ["https://chat.example", "https://chat.example/"])
def test_device_auth_message(base_url: str) -> None:
    assert device_auth_message(base_url, b"\xcc" * 32, DEVICE_ID, OTHER_ID) == (
        b"semafore/device-auth/v1\x00"
        + hashlib.sha256(b"https://chat.example").digest()
        + b"\xcc" * 32
        + DEVICE_ID.bytes
        + OTHER_ID.bytes
    )


def test_parts_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 32 bytes, got 31"):
        device_auth_message("https://chat.example", bytes(31), DEVICE_ID, OTHER_ID)
    with pytest.raises(ValueError, match="expected 32 bytes, got 33"):
        enrolment_message(DEVICE_ID, bytes(33))
    with pytest.raises(ValueError, match="expected 32 bytes, got 0"):
        endorsement_message(DEVICE_ID, OTHER_ID, b"")
    with pytest.raises(ValueError, match="expected 32 bytes, got 1"):
        signed_pre_key_message(b"\x05")


def test_the_digest_of_a_whole_bundle() -> None:
    signed_pre_key = (7, b"\x07" * 32)
    one_time_pre_keys = numbered(118, b"\x01" * 32) + numbered(300, b"\x02" * 32)

    assert bundle_digest(IDENTITY_KEY, signed_pre_key, one_time_pre_keys) == (
        hashlib.sha256(
            IDENTITY_KEY
            + bytes.fromhex("0000000000000007")
            + b"\x07" * 32
            + bytes.fromhex("0000000000000076")
            + b"\x01" * 32
            + bytes.fromhex("000000000000012c")
            + b"\x02" * 32
        ).digest()
    )


def test_the_digest_without_pre_keys() -> None:
    assert bundle_digest(IDENTITY_KEY, None, b"") == hashlib.sha256(IDENTITY_KEY).digest()
