"""docs/vectors: the files are what the code makes, and the simulated client agrees with each."""

import hmac
import json
from collections.abc import Mapping
from copy import deepcopy
from hashlib import sha256
from typing import Any, ClassVar, cast

import pytest
from doubleratchet.recommended.diffie_hellman_ratchet_curve25519 import DiffieHellmanRatchet
from x3dh.identity_key_pair import IdentityKeyPairPriv

from keys.curve import check_public_key, verify_xeddsa
from semafore.local.client import agreement, sessions
from semafore.local.client.agreement import AgreementError, InitialHeader
from semafore.local.client.content import Content, ContentError
from semafore.local.client.headers import bound, initial_bytes, read_initial
from semafore.local.client.keys import DeviceKeys, SignedPreKey
from semafore.local.client.ratchet import (
    _CHOICES,
    DuplicateError,
    Session,
    UndecryptableError,
)
from semafore.local.client.wire import decode, encode
from tests.docs.vectors import reference
from tests.docs.vectors.curve import public_key, x25519
from tests.docs.vectors.make import FILES, FOLDER, path_of, written
from tests.docs.vectors.people import (
    ALICE_DEVICE,
    BOB_DEVICE,
    ONE_TIME_PRE_KEY,
    ONE_TIME_PRE_KEY_ID,
    SIGNED_PRE_KEY,
    SIGNED_PRE_KEY_ID,
)

Json = Mapping[str, Any]


def vectors(name: str) -> Json:
    read: Json = json.loads(path_of(name).read_text(encoding="utf-8"))
    return read


def unhex(values: Json) -> dict[str, bytes]:
    return {name: bytes.fromhex(value) for name, value in values.items()}


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_what_the_code_makes(name: str) -> None:
    assert path_of(name).read_text(encoding="utf-8") == written(name), (
        "run: python -m tests.docs.vectors.make"
    )


def test_there_are_no_other_files() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(FILES)


def test_public_keys() -> None:
    found = vectors("public-keys")
    for one in found["accepted"]:
        key = agreement.public_key(bytes.fromhex(one["private_key"]))
        assert key.hex() == one["public_key"], one["shows"]
        assert check_public_key(key) is None
        assert "05" + one["public_key"] == one["encoded"]
    for one in found["refused"]:
        assert check_public_key(bytes.fromhex(one["public_key"])) == one["code"], one["shows"]
    assert {one["code"] for one in found["refused"]} == {
        "wrong_length",
        "non_canonical",
        "low_order",
    }


def test_signatures() -> None:
    found = vectors("xeddsa")
    last_bits = set()
    for one in found["sign"]:
        values = unhex({name: value for name, value in one.items() if name != "shows"})
        assert verify_xeddsa(values["public_key"], values["message"], values["signature"])
        last_bits.add((values["edwards_key"][31] >> 7, values["signature"][63] >> 7))
    assert last_bits == {(0, 0), (1, 1)}
    for one in found["verify"]:
        values = unhex({n: one[n] for n in ("identity_key", "signed_pre_key", "signature")})
        message = b"\x05" + values["signed_pre_key"]
        verdict = verify_xeddsa(values["identity_key"], message, values["signature"])
        assert verdict is one["valid"], one["kind"]


def test_signed_messages() -> None:
    found = vectors("signed-messages")
    for name in ("signed_pre_key", "enrolment", "authentication", "endorsement"):
        one = found[name]
        message = bytes.fromhex(one["message"])
        assert message == b"".join(unhex(one["parts"]).values())
        key = bytes.fromhex(one["identity_key"])
        assert verify_xeddsa(key, message, bytes.fromhex(one["signature"])), name
        assert not verify_xeddsa(key, message + b"\0", bytes.fromhex(one["signature"]))
    base = found["authentication"]
    assert sha256(base["base_url"].encode()).hexdigest() == base["parts"]["base_url_sha256"]


def bob_keys() -> DeviceKeys:
    """Bob's device as x3dh.json has it."""
    bob = vectors("x3dh")["bob"]
    return DeviceKeys(
        registration_id=815,
        identity=IdentityKeyPairPriv(bytes.fromhex(bob["identity_private"])),
        signed_pre_keys={
            SIGNED_PRE_KEY_ID: SignedPreKey(SIGNED_PRE_KEY_ID, SIGNED_PRE_KEY, bytes(64), 0)
        },
        one_time_pre_keys={ONE_TIME_PRE_KEY_ID: ONE_TIME_PRE_KEY},
    )


@pytest.mark.parametrize("which", [0, 1], ids=["with an OPK", "without one"])
def test_the_client_answers_the_agreement(which: int) -> None:
    one = vectors("x3dh")["agreements"][which]
    header, rest = read_initial(bytes.fromhex(one["initial_header"]))
    assert rest == b""
    assert initial_bytes(header).hex() == one["initial_header"]
    assert len(initial_bytes(header)) == reference.INITIAL
    keys = bob_keys()
    assert bound(header, keys.identity_key).hex() == one["associated_data"]
    assert keys.respond(header).hex() == one["secret"]


@pytest.mark.parametrize("which", [0, 1], ids=["with an OPK", "without one"])
def test_the_reference_answers_the_client(which: int) -> None:
    """A client that begins makes an ephemeral key of its own: only the other side is fixed."""
    file = vectors("x3dh")
    bundle = file["agreements"][which]["bundle"]
    alice = IdentityKeyPairPriv(bytes.fromhex(file["alice"]["identity_private"]))
    secret, header = agreement.initiate(alice, 4711, bundle)
    bob = bytes.fromhex(file["bob"]["identity_private"])
    dhs = [
        x25519(SIGNED_PRE_KEY, header.identity_key),
        x25519(bob, header.ephemeral_key),
        x25519(SIGNED_PRE_KEY, header.ephemeral_key),
    ]
    if header.one_time_pre_key_id:
        dhs.append(x25519(ONE_TIME_PRE_KEY, header.ephemeral_key))
    assert (len(dhs), reference.x3dh_secret(dhs)) == (4 - which, secret)
    assert reference.initial_header(
        4711, header.identity_key, header.ephemeral_key, 7, header.one_time_pre_key_id
    ) == initial_bytes(header)


def test_the_client_hears_what_alice_says() -> None:
    """Bob's client plays its part of the conversation, up to what it says with keys of its own."""
    played = vectors("conversation")
    sent = {step["message"]: step for step in played["steps"] if step["act"] == "send"}
    keys = bob_keys()
    # Without an answer of Bob's, Alice stays in her first chain: a1 to a3, in the order they come.
    for name in ("a2", "a1", "a3"):
        step = sent[name]
        text = sessions.decrypt(keys, ALICE_DEVICE, step["type"], decode(step["ciphertext"]))
        assert text.decode() == step["text"]
    with pytest.raises(DuplicateError):
        sessions.decrypt(keys, ALICE_DEVICE, "pre_key", decode(sent["a2"]["ciphertext"]))
    assert keys.one_time_pre_keys == {}


def test_the_client_and_the_reference_talk() -> None:
    """Begun by the client, answered by the reference; then each hears the other out of order."""
    alice, bob = DeviceKeys.generate(), bob_keys()
    bundle = vectors("x3dh")["agreements"][0]["bundle"]
    _, first = sessions.begin(alice, BOB_DEVICE, bundle, b"first")
    opening, message = first[: reference.INITIAL], first[reference.INITIAL :]
    header, _ = read_initial(first)
    answering = reference.Ratchet.responder(
        bob.secret_of(header),
        SIGNED_PRE_KEY,
        reference.associated_data(alice.identity_key, bob.identity_key, opening),
        [bytes([number]) * 32 for number in range(1, 20)],
    )
    assert answering.decrypt(message) == b"first"
    for turn in range(6):
        spoken = [answering.encrypt(f"{turn} {n}".encode())[0] for n in range(3)]
        for n in (2, 0, 1):
            heard = sessions.decrypt(alice, BOB_DEVICE, "message", spoken[n])
            assert heard == f"{turn} {n}".encode()
        answers = [sessions.encrypt(alice, BOB_DEVICE, f"{n}".encode()) for n in range(3)]
        for n in (1, 2, 0):
            assert answers[n][0] == "message"
            assert answering.decrypt(answers[n][1]) == f"{n}".encode()


class FixedKeys(DiffieHellmanRatchet):
    """The client's own ratchet with the keys of the file in the place of random ones."""

    keys: ClassVar[list[bytes]]

    @staticmethod
    def _generate_priv() -> bytes:
        return FixedKeys.keys.pop(0)


def test_the_client_makes_the_conversation_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides by the client's library, which is given the ratchet keys of the file."""
    monkeypatch.setitem(cast("Any", _CHOICES), "diffie_hellman_ratchet_class", FixedKeys)
    played = vectors("conversation")
    privates = {who: unhex_all(played[f"{who}_ratchet_privates"]) for who in ("alice", "bob")}
    header, _ = read_initial(bytes.fromhex(played["initial_header"]))
    secret, data = bytes.fromhex(played["secret"]), bytes.fromhex(played["associated_data"])
    sides: dict[str, Session] = {}
    sent: dict[str, bytes] = {}
    before: Session | None = None

    def receive(who: str, ciphertext: bytes) -> bytes:
        FixedKeys.keys = privates[who]
        opening = bytes.fromhex(played["initial_header"])
        message = ciphertext.removeprefix(opening)
        if who not in sides:
            sides[who], text = Session.answer(
                secret, header.ephemeral_key, SIGNED_PRE_KEY, data, message
            )
            return text
        return sides[who].decrypt(message)

    for step in played["steps"]:
        who = step["who"]
        FixedKeys.keys = privates[who]
        if step["act"] == "receive":
            before = deepcopy(sides.get(who, before))
            assert receive(who, sent[step["message"]]).decode() == step["text"]
            continue
        if who not in sides:
            sides[who], ciphertext = Session.begin(
                secret, header, public_key(SIGNED_PRE_KEY), data, step["text"].encode()
            )
            kind = "pre_key"
        else:
            kind, ciphertext = sides[who].encrypt(step["text"].encode())
        sent[step["message"]] = ciphertext
        assert (kind, encode(ciphertext)) == (step["type"], step["ciphertext"]), step["message"]

    kinds = {step["type"] for step in played["steps"] if step["act"] == "send"}
    assert kinds == {"pre_key", "message"}
    assert before is not None
    again, *spoilt = played["refused"]
    with pytest.raises(DuplicateError):
        receive("bob", decode(again["ciphertext"]))
    # What a step of the ratchet would take: any will do.
    FixedKeys.keys = [SIGNED_PRE_KEY] * 3
    for one in spoilt:
        with pytest.raises(UndecryptableError):
            before.decrypt(decode(one["ciphertext"]))
    assert before.decrypt(sent["a6"]) == b""
    assert receive("bob", sides["alice"].encrypt(b"it goes on")[1]) == b"it goes on"


def unhex_all(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def test_contents() -> None:
    found = vectors("content")
    for one in found["contents"]:
        told = {name: one["content"][name] for name in ("message_id", "room_id")}
        read = Content.from_bytes(bytes.fromhex(one["padded"]), told)
        assert read.text == one["content"]["text"]
        assert read.commitment_key == decode(one["content"]["commitment_key"])
        assert len(one["padded"]) % 320 == 0
        assert (
            encode(hmac.digest(read.commitment_key, read.text.encode(), "sha256"))
            == (one["commitment"])
        )
        for name in told:
            with pytest.raises(ContentError):
                Content.from_bytes(bytes.fromhex(one["padded"]), {**told, name: str(BOB_DEVICE)})
        plain = json.dumps(one["content"], ensure_ascii=False).encode() + b"\x80"
        assert Content.from_bytes(plain, told) == read
    for one in found["refused"]:
        with pytest.raises(ContentError):
            Content.from_bytes(bytes.fromhex(one["padded"]), {"message_id": "", "room_id": None})


def test_an_agreement_with_a_refused_key_fails() -> None:
    bundle = vectors("x3dh")["agreements"][0]["bundle"]
    alice = DeviceKeys.generate()
    for one in vectors("public-keys")["refused"]:
        bad = {**bundle, "identity_key": encode(bytes.fromhex(one["public_key"]))}
        with pytest.raises(AgreementError):
            alice.initiate(bad)
    _secret, header = alice.initiate(bundle)
    assert isinstance(header, InitialHeader)
