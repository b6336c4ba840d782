"""X3DH by the device client: two devices agree, and what is wrong is refused. No server."""

import hmac
from typing import Any
from uuid import UUID

import pytest
import xeddsa
from nacl.bindings import crypto_scalarmult

from keys.messages import signed_pre_key_message
from semafore.local.client.agreement import AgreementError, associated_data
from semafore.local.client.keys import SUPERSEDED_KEPT_SECONDS, DeviceKeys
from semafore.local.client.wire import encode

DEVICE_ID = UUID("22222222-2222-4222-8222-222222222222")


def bundle_of(keys: DeviceKeys, *, with_one_time_pre_key: bool = True) -> dict[str, Any]:
    """What a claim of this device answers, the OPK newly made."""
    one_time = keys.make_one_time_pre_keys(1)[0] if with_one_time_pre_key else None
    return {
        "device_id": str(DEVICE_ID),
        "registration_id": keys.registration_id,
        "identity_key": encode(keys.identity_key),
        "signed_pre_key": keys.signed_pre_key.to_public_json(),
        "previous_signed_pre_keys": [],
        "one_time_pre_key": one_time,
        "suite": "x3dh-25519",
        "endorsement": None,
        "log": None,
    }


def hkdf(material: bytes) -> bytes:
    """HKDF-SHA-256 as X3DH section 2.2 wants it, by hand: RFC 5869 with one block."""
    extracted = hmac.digest(bytes(32), b"\xff" * 32 + material, "sha256")
    return hmac.digest(extracted, b"semafore/x3dh-25519/v1\x01", "sha256")


@pytest.fixture
def alice() -> DeviceKeys:
    return DeviceKeys.generate()


@pytest.fixture
def bob() -> DeviceKeys:
    return DeviceKeys.generate()


def test_two_devices_agree_with_a_one_time_pre_key(alice: DeviceKeys, bob: DeviceKeys) -> None:
    secret, header = alice.initiate(bundle_of(bob))

    assert header.one_time_pre_key_id == 1
    assert header.identity_key == alice.identity_key
    assert bob.respond(header) == secret
    assert len(secret) == 32


def test_two_devices_agree_without_one(alice: DeviceKeys, bob: DeviceKeys) -> None:
    secret, header = alice.initiate(bundle_of(bob, with_one_time_pre_key=False))

    assert header.one_time_pre_key_id is None
    assert bob.respond(header) == secret
    # Nothing was used up, so the same header is answered again: replays are for the session above.
    assert bob.respond(header) == secret


def test_every_agreement_has_a_secret_of_its_own(alice: DeviceKeys, bob: DeviceKeys) -> None:
    bundle = bundle_of(bob)

    assert alice.initiate(bundle)[0] != alice.initiate(bundle)[0]


def test_the_secret_is_that_of_the_specification(alice: DeviceKeys, bob: DeviceKeys) -> None:
    secret, header = alice.initiate(bundle_of(bob))

    identity = bob.identity.as_priv().priv
    signed = bob.signed_pre_key.private_key
    one_time = bob.one_time_pre_keys[1]
    assert secret == hkdf(
        crypto_scalarmult(signed, alice.identity_key)
        + crypto_scalarmult(identity, header.ephemeral_key)
        + crypto_scalarmult(signed, header.ephemeral_key)
        + crypto_scalarmult(one_time, header.ephemeral_key)
    )


def test_associated_data_holds_both_identity_keys(alice: DeviceKeys, bob: DeviceKeys) -> None:
    assert associated_data(alice.identity_key, bob.identity_key) == (
        b"\x05" + alice.identity_key + b"\x05" + bob.identity_key
    )


def test_a_one_time_pre_key_answers_once(alice: DeviceKeys, bob: DeviceKeys) -> None:
    _secret, header = alice.initiate(bundle_of(bob))
    bob.respond(header)

    assert bob.one_time_pre_keys == {}
    with pytest.raises(AgreementError, match="one-time pre-key 1 is not here: used before"):
        bob.respond(header)


def test_a_rotation_leaves_agreements_under_way_alone(alice: DeviceKeys, bob: DeviceKeys) -> None:
    first, second = alice.initiate(bundle_of(bob)), alice.initiate(bundle_of(bob))
    bob.rotate_signed_pre_key()
    third = alice.initiate(bundle_of(bob))
    bob.rotate_signed_pre_key()
    fourth = alice.initiate(bundle_of(bob, with_one_time_pre_key=False))

    used = [header.signed_pre_key_id for _secret, header in (first, second, third, fourth)]
    assert used == [1, 1, 2, 3]
    for secret, header in (fourth, third, second, first):
        assert bob.respond(header) == secret


def test_a_superseded_key_goes_when_no_mail_can_need_it(alice: DeviceKeys, bob: DeviceKeys) -> None:
    _secret, header = alice.initiate(bundle_of(bob))
    bob.rotate_signed_pre_key()
    superseded_at = bob.signed_pre_keys[1].superseded_at
    assert superseded_at is not None
    bob.signed_pre_keys[1].superseded_at = superseded_at - SUPERSEDED_KEPT_SECONDS
    bob.rotate_signed_pre_key()

    assert list(bob.signed_pre_keys) == [2, 3]
    with pytest.raises(AgreementError, match="signed pre-key 1 is not here"):
        bob.respond(header)


def test_a_signature_by_another_key_is_refused(alice: DeviceKeys, bob: DeviceKeys) -> None:
    bundle = bundle_of(bob)
    mallory = DeviceKeys.generate()
    bundle["signed_pre_key"] = mallory.signed_pre_key.to_public_json()

    with pytest.raises(AgreementError, match="signature"):
        alice.initiate(bundle)


def test_a_changed_signed_pre_key_is_refused(alice: DeviceKeys, bob: DeviceKeys) -> None:
    bundle = bundle_of(bob)
    other = DeviceKeys.generate().signed_pre_key
    bundle["signed_pre_key"]["public_key"] = encode(other.public_key)

    with pytest.raises(AgreementError, match="signature"):
        alice.initiate(bundle)


def test_a_changed_identity_key_is_refused(alice: DeviceKeys, bob: DeviceKeys) -> None:
    bundle = bundle_of(bob)
    bundle["identity_key"] = encode(DeviceKeys.generate().identity_key)

    with pytest.raises(AgreementError, match="signature"):
        alice.initiate(bundle)


@pytest.mark.parametrize("sign", [False, True])
def test_a_bundle_signed_the_way_of_libsignal_is_accepted(
    alice: DeviceKeys,
    bob: DeviceKeys,
    sign: bool,
) -> None:
    while xeddsa.priv_to_ed25519_pub(bob.identity.as_priv().priv)[31] >> 7 != sign:
        bob = DeviceKeys.generate()
    bundle = bundle_of(bob)
    message = signed_pre_key_message(bob.signed_pre_key.public_key)
    signature = xeddsa.ed25519_priv_sign(bob.identity.as_priv().priv, message)
    signature = signature[:63] + bytes([signature[63] | sign << 7])
    bundle["signed_pre_key"]["signature"] = encode(signature)

    secret, header = alice.initiate(bundle)

    assert bob.respond(header) == secret
    bundle["signed_pre_key"]["signature"] = encode(signature[:63] + bytes([signature[63] ^ 0x80]))
    with pytest.raises(AgreementError, match="signature"):
        alice.initiate(bundle)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"suite": "x3dh-448"}, "the bundle is for suite 'x3dh-448'"),
        ({"identity_key": encode(bytes(32))}, "low_order"),
        ({"one_time_pre_key": {"key_id": 1, "public_key": encode(bytes(32))}}, "low_order"),
        ({"one_time_pre_key": {"key_id": 1, "public_key": encode(b"\xff" * 32)}}, "non_canonical"),
        ({"identity_key": encode(b"\x09" * 31)}, "wrong_length"),
        ({"identity_key": "?"}, "can't be read"),
        ({"signed_pre_key": None}, "can't be read"),
        ({"signed_pre_key": {"key_id": 1}}, "can't be read"),
    ],
)
def test_a_bundle_that_is_none_is_refused(
    alice: DeviceKeys, bob: DeviceKeys, changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(AgreementError, match=expected):
        alice.initiate(bundle_of(bob) | changes)


def test_a_signature_of_another_length_is_refused(alice: DeviceKeys, bob: DeviceKeys) -> None:
    bundle = bundle_of(bob)
    bundle["signed_pre_key"]["signature"] = ""

    with pytest.raises(AgreementError, match="a signature of 0 bytes"):
        alice.initiate(bundle)
