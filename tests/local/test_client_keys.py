"""The device client's keys: what it signs, the ids it gives, and its state file. No server."""

import hashlib
import json
import stat
import threading
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from keys.curve import verify_xeddsa
from keys.fingerprint import bundle_digest, numbered
from keys.messages import (
    device_auth_message,
    endorsement_message,
    enrolment_message,
    signed_pre_key_message,
)
from semafore.local.client.agreement import AgreementError, InitialHeader
from semafore.local.client.keyfile import KeyFile, KeyFileError
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.wire import decode, encode

ORGANISATION_ID = UUID("11111111-1111-4111-8111-111111111111")
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


@pytest.fixture
def alice() -> DeviceKeys:
    return DeviceKeys.generate()


@pytest.fixture
def bob() -> DeviceKeys:
    return DeviceKeys.generate()


def test_what_a_device_signs_verifies_on_the_server() -> None:
    keys = DeviceKeys.generate()
    onboarding_id, new_device = uuid4(), DeviceKeys.generate()
    signed = keys.rotate_signed_pre_key()

    for message, signature in (
        (signed_pre_key_message(signed.public_key), signed.signature),
        (
            enrolment_message(onboarding_id, keys.identity_key),
            keys.sign_enrolment(onboarding_id),
        ),
        (
            device_auth_message("http://localhost", b"\x01" * 32, DEVICE_ID, ORGANISATION_ID),
            keys.sign_challenge("http://localhost", b"\x01" * 32, DEVICE_ID, ORGANISATION_ID),
        ),
        (
            endorsement_message(ORGANISATION_ID, DEVICE_ID, new_device.identity_key),
            keys.endorse(ORGANISATION_ID, DEVICE_ID, new_device.identity_key),
        ),
    ):
        assert verify_xeddsa(keys.identity_key, message, signature)
        assert not verify_xeddsa(new_device.identity_key, message, signature)


def test_the_enrolment_body_is_that_of_the_api() -> None:
    keys, onboarding_id = DeviceKeys.generate(), uuid4()

    body = keys.enrolment_body(onboarding_id, name="Phone", platform="ios", one_time_pre_keys=3)

    assert set(body) == {
        "name", "platform", "registration_id", "identity_key", "signed_pre_key",
        "one_time_pre_keys", "proof",
    }  # fmt: skip
    assert 1 <= body["registration_id"] <= 16380
    assert set(body["signed_pre_key"]) == {"key_id", "public_key", "signature"}
    assert [one_time["key_id"] for one_time in body["one_time_pre_keys"]] == [1, 2, 3]
    assert verify_xeddsa(
        decode(body["identity_key"]),
        enrolment_message(onboarding_id, keys.identity_key),
        decode(body["proof"]),
    )
    private = json.dumps(keys.to_json())
    for value in (body["identity_key"], body["proof"], body["one_time_pre_keys"][0]["public_key"]):
        assert value not in private


def test_key_ids_grow_past_what_the_server_knows() -> None:
    keys = DeviceKeys.generate()

    first = keys.make_one_time_pre_keys(2)
    second = keys.make_one_time_pre_keys(2, above=40)
    third = keys.make_one_time_pre_keys(1, above=7)

    assert [one_time["key_id"] for one_time in first + second + third] == [1, 2, 41, 42, 43]
    assert keys.rotate_signed_pre_key().key_id == 2
    assert keys.rotate_signed_pre_key(above=9).key_id == 10


def test_a_refused_rotation_is_undone(alice: DeviceKeys, bob: DeviceKeys) -> None:
    refused = bob.rotate_signed_pre_key()
    bob.forget_signed_pre_key(refused.key_id)

    assert bob.signed_pre_key.key_id == 1
    assert bob.signed_pre_key.superseded_at is None
    secret, header = alice.initiate(bundle_of(bob))
    assert bob.respond(header) == secret


def test_the_digest_is_the_servers(bob: DeviceKeys) -> None:
    one_time = bob.make_one_time_pre_keys(3)

    assert bob.digest(1, [3, 1]) == bundle_digest(
        bob.identity_key,
        (1, bob.signed_pre_key.public_key),
        b"".join(
            numbered(item["key_id"], decode(item["public_key"]))
            for item in (one_time[0], one_time[2])
        ),
    )
    assert bob.digest(None, []) == hashlib.sha256(bob.identity_key).digest()
    with pytest.raises(KeyError):
        bob.digest(1, [4])


def test_nothing_private_is_shown() -> None:
    keys = DeviceKeys.generate()
    keys.make_one_time_pre_keys(1)

    shown = repr(keys)
    for private in (
        keys.identity.secret,
        keys.signed_pre_key.private_key,
        keys.one_time_pre_keys[1],
    ):
        assert repr(private) not in shown


def test_the_header_survives_the_wire(alice: DeviceKeys, bob: DeviceKeys) -> None:
    _secret, header = alice.initiate(bundle_of(bob))

    assert InitialHeader.from_json(json.loads(json.dumps(header.to_json()))) == header
    with pytest.raises(AgreementError, match="can't be read"):
        InitialHeader.from_json({})
    with pytest.raises(AgreementError, match="low_order"):
        InitialHeader.from_json(header.to_json() | {"ephemeral_key": encode(bytes(32))})


def test_a_device_goes_on_from_its_file(alice: DeviceKeys, bob: DeviceKeys, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "devices" / "bob.json")
    secret, header = alice.initiate(bundle_of(bob))
    bob.rotate_signed_pre_key()
    file.save(bob)

    again = file.load()

    assert again.to_json() == bob.to_json()
    assert again.respond(header) == secret
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["bob.json"]


def test_a_failed_save_leaves_the_file_as_it_was(
    bob: DeviceKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = KeyFile(tmp_path / "bob.json")
    file.save(bob)
    before = file.path.read_bytes()
    bob.one_time_pre_keys[1] = "not bytes"  # type: ignore[assignment]

    with pytest.raises(TypeError):
        file.save(bob)

    assert file.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bob.json"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 2}'])
def test_another_file_is_named_in_the_error(content: str, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "bob.json")
    file.path.write_text(content, encoding="utf-8")

    with pytest.raises(KeyFileError, match=r"bob\.json holds no device's keys"):
        file.load()
    with pytest.raises(KeyFileError, match=r"can't read the device's keys: .*missing\.json"):
        KeyFile(tmp_path / "missing.json").load()


def test_changes_by_several_workers_are_all_kept(bob: DeviceKeys, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "bob.json")
    file.save(bob)

    def refill() -> None:
        for _ in range(5):
            with KeyFile(file.path).locked() as keys:
                keys.make_one_time_pre_keys(2)
                file.save(keys)

    workers = [threading.Thread(target=refill) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(file.load().one_time_pre_keys) == list(range(1, 41))
