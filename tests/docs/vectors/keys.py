"""Vectors of keys, signatures and what is compared: fingerprint and digest."""

import json
from hashlib import sha256, sha512
from pathlib import Path
from uuid import UUID

from keys.curve import check_public_key
from keys.fingerprint import bundle_digest, fingerprint, numbered
from keys.messages import (
    device_auth_message,
    encode_public_key,
    endorsement_message,
    enrolment_message,
    signed_pre_key_message,
)
from semafore.local.client.wire import encode
from tests.docs.vectors.curve import Signing, public_key, sign
from tests.docs.vectors.people import (
    ALICE,
    ALICE_DEVICE,
    BASE_URL,
    BOB,
    BOB_DEVICE,
    ONBOARDING,
    ONE_TIME_PRE_KEY,
    ORGANISATION,
    SIGNED_PRE_KEY,
    SIGNED_PRE_KEY_ID,
    Vector,
    private,
    random,
    signed_by,
)

VERIFYING = Path(__file__).parents[2] / "keys" / "xeddsa_vectors.json"
PRIME = 2**255 - 19


def public_keys() -> Vector:
    return {
        "about": (
            "Curve25519 public keys: 32 bytes, the u-coordinate, little-endian. `accepted` are"
            " private keys with their public halves and Signal's encoding (05 and the key)."
            " `refused` are what the server answers 422 public_key_invalid to, with the code of the"
            " field; a device refuses them too, wherever they come from. All values in hex."
        ),
        "accepted": [
            {
                "shows": shows,
                "private_key": key.hex(),
                "public_key": public_key(key).hex(),
                "encoded": encode_public_key(public_key(key)).hex(),
            }
            for shows, key in (
                ("Alice's identity key", ALICE),
                ("Bob's identity key", BOB),
                ("Bob's signed pre-key", SIGNED_PRE_KEY),
                ("Bob's one-time pre-key", ONE_TIME_PRE_KEY),
            )
        ],
        "refused": [
            {"shows": shows, "public_key": key.hex(), "code": str(check_public_key(key))}
            for shows, key in _refused()
        ],
    }


def _refused() -> list[tuple[str, bytes]]:
    small = (
        ("u = 0, of order 2", 0),
        ("u = 1, of order 4", 1),
        ("u = p - 1, of order 4 on the twist", PRIME - 1),
        (
            "a u of order 8",
            325606250916557431795983626356110631294008115727848805560023387167927233504,
        ),
        (
            "the other u of order 8",
            39382357235489614581723060781553021112529911719440698176882885853963445705823,
        ),
    )
    big = (
        ("u = p: zero, written in another way", PRIME),
        ("u = p + 1: one, written in another way", PRIME + 1),
        ("u = 2^255 - 1", 2**255 - 1),
    )
    good = public_key(ALICE)
    return [
        *((shows, u.to_bytes(32, "little")) for shows, u in (*small, *big)),
        ("Alice's identity key with the highest bit set", good[:31] + bytes([good[31] | 0x80])),
        ("31 bytes", good[:31]),
        ("33 bytes: the encoding with 05 is not what travels", b"\x05" + good),
    ]


def xeddsa() -> Vector:
    return {
        "about": (
            "XEdDSA (Signal's specification) over Curve25519, in both conventions of the sign: the"
            " paper's negates the private scalar where the Edwards public key has sign 1, so bit 7"
            " of the signature's last byte is 0; libsignal doesn't, and puts the sign into that"
            " bit. The server and every device verify both: E = the Edwards key of u with the sign"
            " that bit 7 says, then Ed25519 with the bit cleared. `sign` has every value on the"
            " way, named as in the specification's section 2.5 (`random` is its Z); whoever makes r"
            " in another way gets other signatures that are as good. `verify` are signatures over"
            " 05 and the signed pre-key. All values in hex."
        ),
        "sign": [
            _signing("Alice, the paper's way; her Edwards key has sign 0", ALICE, libsignal=False),
            _signing("Bob, the paper's way; his has sign 1: negated", BOB, libsignal=False),
            _signing("Bob, libsignal's way: bit 7 is set", BOB, libsignal=True),
        ],
        "verify": json.loads(VERIFYING.read_text(encoding="utf-8")),
    }


def _signing(shows: str, private_key: bytes, *, libsignal: bool) -> Vector:
    message, nonce = b"what is signed", random(shows)
    made: Signing = sign(private_key, message, nonce, libsignal=libsignal)
    return {
        "shows": shows,
        "private_key": private_key.hex(),
        "public_key": public_key(private_key).hex(),
        "message": message.hex(),
        "random": nonce.hex(),
        "scalar": made.scalar.hex(),
        "edwards_key": made.edwards_key.hex(),
        "r": made.r.hex(),
        "R": made.big_r.hex(),
        "h": made.h.hex(),
        "s": made.s.hex(),
        "signature": made.signature.hex(),
    }


def signed_messages() -> Vector:
    challenge = sha256(b"semafore vector: a challenge").digest()
    new_key = public_key(private("alice's second identity key"))
    base_hash = sha256(BASE_URL.encode()).digest()
    bob, alice = public_key(BOB), public_key(ALICE)
    spk = public_key(SIGNED_PRE_KEY)
    return {
        "about": (
            "Everything that a device signs with its identity key: `parts` in order are the"
            " `message`; `signature` is one of the valid ones, made the paper's way. Ids are the 16"
            " bytes of the UUID. The base URL is hashed as it is configured, without a trailing"
            " slash. All values in hex, but `base_url`."
        ),
        "signed_pre_key": _signed(
            BOB, "a signed pre-key", signed_pre_key_message(spk), {"type": b"\x05", "key": spk}
        ),
        "enrolment": _signed(
            BOB,
            "an enrolment",
            enrolment_message(ONBOARDING, bob),
            {
                "domain": b"semafore/enrol/v1\0",
                "onboarding_id": ONBOARDING.bytes,
                "identity_key": bob,
            },
        ),
        "authentication": {
            "base_url": BASE_URL,
            **_signed(
                BOB,
                "a challenge answered",
                device_auth_message(BASE_URL, challenge, BOB_DEVICE, ORGANISATION),
                {
                    "domain": b"semafore/device-auth/v1\0",
                    "base_url_sha256": base_hash,
                    "challenge": challenge,
                    "device_id": BOB_DEVICE.bytes,
                    "organisation_id": ORGANISATION.bytes,
                },
            ),
        },
        "endorsement": _signed(
            ALICE,
            "an endorsement",
            endorsement_message(ORGANISATION, ALICE_DEVICE, new_key),
            {
                "domain": b"semafore/endorse/v1\0",
                "organisation_id": ORGANISATION.bytes,
                "endorser_device_id": ALICE_DEVICE.bytes,
                "new_identity_key": new_key,
            },
        ),
        "alice_identity_key": alice.hex(),
        "bob_identity_key": bob.hex(),
    }


def _signed(private_key: bytes, name: str, message: bytes, parts: dict[str, bytes]) -> Vector:
    assert b"".join(parts.values()) == message
    return {
        "identity_key": public_key(private_key).hex(),
        "parts": {part: value.hex() for part, value in parts.items()},
        "message": message.hex(),
        "signature": signed_by(private_key, message, name).hex(),
    }


def fingerprints() -> Vector:
    example = bytes(range(32)), UUID(bytes=bytes(range(16)))
    rows = (
        ("the worked example", *example),
        ("Alice's device", public_key(ALICE), ALICE_DEVICE),
        ("Bob's device", public_key(BOB), BOB_DEVICE),
    )
    return {
        "about": (
            "K = 05 and the identity key; h = 00 00, K, device id; 5200 times h = SHA-512(h, K);"
            " the first 60 bytes as twelve 5-byte big-endian numbers, each modulo 100000 in five"
            " digits. `start` is h before the first round, `end` after the last. Hex, but ids and"
            " fingerprint."
        ),
        "fingerprints": [
            {
                "shows": shows,
                "identity_key": key.hex(),
                "device_id": str(device_id),
                "start": (b"\0\0\x05" + key + device_id.bytes).hex(),
                "end": _rounds(key, device_id).hex(),
                "fingerprint": fingerprint(key, device_id),
            }
            for shows, key, device_id in rows
        ],
    }


def _rounds(key: bytes, device_id: UUID) -> bytes:
    digest = b"\0\0\x05" + key + device_id.bytes
    for _ in range(5200):
        digest = sha512(digest + b"\x05" + key).digest()
    return digest


def digests() -> Vector:
    identity = public_key(BOB)
    signed = SIGNED_PRE_KEY_ID, public_key(SIGNED_PRE_KEY)
    stock = [(number, public_key(private(f"opk {number}"))) for number in (118, 119, 130)]
    rows: tuple[tuple[str, list[tuple[int, bytes]]], ...] = (
        (
            "a signed pre-key and three one-time pre-keys, of which 120 to 129 are gone",
            stock,
        ),
        ("no one-time pre-key left", []),
    )
    return {
        "about": (
            "The digest in a key bundle's status: SHA-256 over the identity key, then id (8 bytes,"
            " big-endian) and key of the current signed pre-key, then the same of each available"
            " one-time pre-key in the order of ids. Superseded signed pre-keys are not in it."
            " Keys and `input` in hex, `digest` in base64, as the API answers it."
        ),
        "identity_key": identity.hex(),
        "digests": [
            {
                "shows": shows,
                "signed_pre_key": {"key_id": signed[0], "public_key": signed[1].hex()},
                "one_time_pre_keys": [
                    {"key_id": number, "public_key": one.hex()} for number, one in keys
                ],
                "input": (identity + b"".join(numbered(*one) for one in (signed, *keys))).hex(),
                "digest": encode(
                    bundle_digest(identity, signed, b"".join(numbered(*one) for one in keys))
                ),
            }
            for shows, keys in rows
        ],
    }
