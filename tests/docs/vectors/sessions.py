"""Vectors of sessions: X3DH, a conversation by the Double Ratchet, what is inside a message."""

import hmac
import json
from hashlib import sha256

from semafore.local.client.content import Content
from semafore.local.client.wire import encode
from tests.docs.vectors import reference
from tests.docs.vectors.curve import public_key, x25519
from tests.docs.vectors.people import (
    ALICE,
    ALICE_REGISTRATION,
    BOB,
    ONE_TIME_PRE_KEY,
    ONE_TIME_PRE_KEY_ID,
    SIGNED_PRE_KEY,
    SIGNED_PRE_KEY_ID,
    Vector,
    bob_bundle,
    private,
    uuid,
)

EPHEMERAL = private("alice's ephemeral key")


def _dhs(*, one_time: bool) -> list[bytes]:
    signed = public_key(SIGNED_PRE_KEY)
    found = [
        x25519(ALICE, signed),
        x25519(EPHEMERAL, public_key(BOB)),
        x25519(EPHEMERAL, signed),
    ]
    return [*found, x25519(EPHEMERAL, public_key(ONE_TIME_PRE_KEY))] if one_time else found


def _initial(*, one_time: bool) -> bytes:
    return reference.initial_header(
        ALICE_REGISTRATION,
        public_key(ALICE),
        public_key(EPHEMERAL),
        SIGNED_PRE_KEY_ID,
        ONE_TIME_PRE_KEY_ID if one_time else None,
    )


def _agreed(shows: str, *, one_time: bool) -> Vector:
    dhs, initial = _dhs(one_time=one_time), _initial(one_time=one_time)
    alice, bob = public_key(ALICE), public_key(BOB)
    return {
        "shows": shows,
        "bundle": bob_bundle(one_time=one_time),
        **{f"dh{number}": dh.hex() for number, dh in enumerate(dhs, 1)},
        "key_material": reference.key_material(dhs).hex(),
        "secret": reference.x3dh_secret(dhs).hex(),
        "initial_header": initial.hex(),
        "associated_data": reference.associated_data(alice, bob, initial).hex(),
    }


def x3dh() -> Vector:
    return {
        "about": (
            "Alice claims Bob's bundle and agrees on a secret. DH1 = DH(IK_A, SPK_B), DH2 ="
            " DH(EK_A, IK_B), DH3 = DH(EK_A, SPK_B), DH4 = DH(EK_A, OPK_B). key_material = 32 bytes"
            " ff, DH1, DH2, DH3 and, with a one-time pre-key, DH4. secret = HKDF-SHA-256 of it: 32"
            " bytes, salt 32 bytes 00, info `semafore/x3dh-25519/v1`. associated_data = 05 IK_A 05"
            " IK_B and the initial header. Hex, but the bundle, which is as a claim answers it."
        ),
        "alice": {
            "registration_id": ALICE_REGISTRATION,
            "identity_private": ALICE.hex(),
            "identity_key": public_key(ALICE).hex(),
            "ephemeral_private": EPHEMERAL.hex(),
            "ephemeral_key": public_key(EPHEMERAL).hex(),
        },
        "bob": {
            "identity_private": BOB.hex(),
            "identity_key": public_key(BOB).hex(),
            "signed_pre_key_private": SIGNED_PRE_KEY.hex(),
            "one_time_pre_key_private": ONE_TIME_PRE_KEY.hex(),
        },
        "agreements": [
            _agreed("with a one-time pre-key: four DH", one_time=True),
            _agreed("without one: three DH, and its id is 0", one_time=False),
        ],
    }


def _ratchet_keys(name: str, count: int) -> list[bytes]:
    return [private(f"{name}'s ratchet key {number}") for number in range(1, count + 1)]


def conversation() -> Vector:
    """Both sides as a device keeps them, and the messages in the order in which they arrive."""
    initial = _initial(one_time=True)
    data = reference.associated_data(public_key(ALICE), public_key(BOB), initial)
    secret = reference.x3dh_secret(_dhs(one_time=True))
    keys = {"alice": _ratchet_keys("alice", 3), "bob": _ratchet_keys("bob", 3)}
    sides = {
        "alice": reference.Ratchet.initiator(
            secret, public_key(SIGNED_PRE_KEY), data, list(keys["alice"])
        ),
        "bob": reference.Ratchet.responder(secret, SIGNED_PRE_KEY, data, list(keys["bob"])),
    }
    answered = False
    made: dict[str, bytes] = {}
    steps: list[Vector] = []

    def sends(who: str, name: str, text: str) -> None:
        side = sides[who]
        message, message_key, sealing = side.encrypt(text.encode())
        opening = who == "alice" and not answered
        made[name] = message
        header = message[: reference.HEADER]
        steps.append(
            {
                "act": "send",
                "who": who,
                "message": name,
                "text": text,
                "ratchet_private": side.own.hex(),
                "root_key": side.root_key.hex(),
                "message_key": message_key.hex(),
                "encryption_key": sealing.encryption.hex(),
                "authentication_key": sealing.authentication.hex(),
                "iv": sealing.iv.hex(),
                "header": header.hex(),
                "authenticated": (data + header).hex(),
                "type": "pre_key" if opening else "message",
                "ciphertext": encode((initial if opening else b"") + message),
            }
        )

    def receives(who: str, name: str) -> None:
        nonlocal answered
        text = sides[who].decrypt(made[name]).decode()
        answered = answered or who == "alice"
        steps.append({"act": "receive", "who": who, "message": name, "text": text})

    sends("alice", "a1", "Hello Bob.")
    sends("alice", "a2", "Are you there?")
    sends("alice", "a3", "It is about the audit.")
    # Bob's first message to come is Alice's second one.
    receives("bob", "a2")
    sends("bob", "b1", "Yes.")
    receives("bob", "a1")
    receives("alice", "b1")
    sends("alice", "a4", "The audit, then.")
    sends("alice", "a5", "Can it wait?")
    sends("bob", "b2", "Until tomorrow.")
    # A new chain of Alice's, while a3 of the one before is still on its way.
    receives("bob", "a5")
    receives("bob", "a3")
    sends("bob", "b3", "What does it need? ☕")
    receives("alice", "b3")
    receives("alice", "b2")
    receives("bob", "a4")
    sends("alice", "a6", "")
    receives("bob", "a6")
    tampered = bytearray(made["a6"])
    tampered[-1] ^= 1
    return {
        "about": (
            "A Double Ratchet session between Alice (initiator) and Bob, from the first agreement"
            " of x3dh.json: `secret` is the first root key, Bob's signed pre-key his first ratchet"
            " key. `ratchet_private` is the sender's ratchet key at the time: take the listed ones"
            " in order, where a device takes new random ones, the next one at each ratchet step."
            " `root_key` and all keys are those after the message was made. Texts are plain bytes"
            " here, with no content encoding. Ciphertexts in base64, as they travel: `pre_key` is"
            " the initial header (75 bytes) and a message, `message` a message alone: header (41"
            " bytes) and what is sealed. `authenticated` is associated data and header; the tag"
            " covers the sealed bytes too. Play the steps in order. Of `refused` the first comes"
            " after the last step; the others in Bob's session as it was before a6, for afterwards"
            " a6's key is gone and no tag is compared. None changes the session."
        ),
        "secret": secret.hex(),
        "associated_data": data.hex(),
        "initial_header": initial.hex(),
        "bob_signed_pre_key_private": SIGNED_PRE_KEY.hex(),
        "alice_ratchet_privates": [key.hex() for key in keys["alice"]],
        "bob_ratchet_privates": [key.hex() for key in keys["bob"]],
        "steps": steps,
        "refused": [
            {
                "shows": "a6 once more: a duplicate, and Bob's session stays as it was",
                "who": "bob",
                "ciphertext": encode(made["a6"]),
            },
            {
                "shows": "a6 with its last bit changed",
                "who": "bob",
                "ciphertext": encode(bytes(tampered)),
            },
            {
                "shows": "a6 of version 2",
                "who": "bob",
                "ciphertext": encode(b"\x02" + made["a6"][1:]),
            },
        ],
    }


def contents() -> Vector:
    room, key = uuid("a room"), sha256(b"semafore vector: a commitment key").digest()
    long = "A long one. " * 12
    rows = (
        ("a text in a room", Content(uuid("message 1"), room, "Good morning, Bob.", key)),
        ("a broadcast has no room", Content(uuid("message 2"), None, "To everybody.", key)),
        ("beyond one block", Content(uuid("message 3"), room, long, key)),
        (
            "not ASCII: escaped or as UTF-8, both are read",
            Content(uuid("message 4"), room, "☕", key),
        ),
    )
    return {
        "about": (
            "What is encrypted: a JSON object in UTF-8, the byte 80, and bytes 00 up to a multiple"
            " of 160. Whoever reads looks for the last byte 80, and compares message and room id"
            " with the envelope's. `padded` is one way to write it: names may stand in any order."
            " commitment = HMAC-SHA-256(commitment_key, text in UTF-8), in base64, as it goes into"
            " the message's body; `padded` in hex."
        ),
        "contents": [
            {
                "shows": shows,
                "content": {
                    "message_id": str(one.message_id),
                    "room_id": one.room_id and str(one.room_id),
                    "text": one.text,
                    "commitment_key": encode(one.commitment_key),
                },
                "padded": one.to_bytes().hex(),
                "commitment": encode(hmac.digest(key, one.text.encode(), sha256)),
            }
            for shows, one in rows
        ],
        "refused": [
            {"shows": "no byte 80", "padded": (json.dumps({}).encode() + bytes(158)).hex()},
            {"shows": "not JSON", "padded": (b"\xff\x80" + bytes(158)).hex()},
        ],
    }
