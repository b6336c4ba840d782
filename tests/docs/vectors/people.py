"""Who the vectors are about: keys and ids that anybody can make anew from their names."""

from hashlib import sha256, sha512
from uuid import UUID

from semafore.local.client.wire import encode
from tests.docs.vectors.curve import clamped, public_key, sign

Vector = dict[str, object]

BASE_URL = "https://chat.example.org"
SUITE = "x3dh-25519"


def private(name: str) -> bytes:
    """A private key: SHA-256 of the name, clamped."""
    return clamped(sha256(f"semafore vector: {name}".encode()).digest())


def random(name: str) -> bytes:
    """64 bytes in the place of random ones."""
    return sha512(f"semafore vector: {name}".encode()).digest()


def uuid(name: str) -> UUID:
    return UUID(bytes=sha256(f"semafore vector: {name}".encode()).digest()[:16], version=4)


ALICE = private("alice's identity key 4")
"""Its Edwards key has sign 0."""
BOB = private("bob's identity key")
"""Its Edwards key has sign 1: who forgets that makes signatures that nobody accepts."""
ALICE_DEVICE, BOB_DEVICE = uuid("alice's device"), uuid("bob's device")
ORGANISATION, ONBOARDING = uuid("the organisation"), uuid("the onboarding")
ALICE_REGISTRATION, BOB_REGISTRATION = 4711, 815

SIGNED_PRE_KEY_ID, ONE_TIME_PRE_KEY_ID = 7, 118
SIGNED_PRE_KEY = private("bob's signed pre-key")
ONE_TIME_PRE_KEY = private("bob's one-time pre-key")


def signed_by(private_key: bytes, message: bytes, name: str) -> bytes:
    return sign(private_key, message, random(name)).signature


def bob_bundle(*, one_time: bool) -> Vector:
    """What a claim of Bob's device answers, but for what X3DH doesn't need."""
    return {
        "device_id": str(BOB_DEVICE),
        "registration_id": BOB_REGISTRATION,
        "identity_key": encode(public_key(BOB)),
        "signed_pre_key": {
            "key_id": SIGNED_PRE_KEY_ID,
            "public_key": encode(public_key(SIGNED_PRE_KEY)),
            "signature": encode(
                signed_by(BOB, b"\x05" + public_key(SIGNED_PRE_KEY), "bob signs his pre-key")
            ),
        },
        "previous_signed_pre_keys": [],
        "one_time_pre_key": {
            "key_id": ONE_TIME_PRE_KEY_ID,
            "public_key": encode(public_key(ONE_TIME_PRE_KEY)),
        }
        if one_time
        else None,
        "suite": SUITE,
        "endorsement": None,
        "log": {"index": None, "leaf": encode(bytes(32))},
    }
