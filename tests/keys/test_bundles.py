"""Publishing, rotating, withdrawing: what is accepted, what is refused and so changes nothing."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from semafore.kernel import clock
from semafore.local.client.api import ApiProblem
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.wire import decode, encode
from tests import cast

pytestmark = pytest.mark.django_db

LOW_ORDER = bytes(32)
NON_CANONICAL = (2**255 - 19 + 9).to_bytes(32, "little")


@contextmanager
def refused(status: int, code: str) -> Iterator[list[ApiProblem]]:
    """The block is refused with this problem."""
    problems: list[ApiProblem] = []
    with pytest.raises(ApiProblem) as caught:
        yield problems
    problems.append(caught.value)
    assert (caught.value.status, caught.value.code) == (status, code)


@contextmanager
def nothing_changes(phone: cast.Phone) -> Iterator[None]:
    """The bundle and the log are after the block as they were before it."""
    before = phone.api.status(), len(cast.events(phone.device))
    yield
    assert (phone.api.status(), len(cast.events(phone.device))) == before


def fresh(phone: cast.Phone, count: int) -> list[dict[str, Any]]:
    """New one-time pre-keys with growing ids."""
    return phone.keys.make_one_time_pre_keys(count)


def test_the_digest_shows_whether_device_and_server_agree(bob_phone: cast.Phone) -> None:
    status = bob_phone.api.publish(fresh(bob_phone, 5))
    ids = [
        key_id
        for low, high in status["one_time_pre_keys"]["available_ranges"]
        for key_id in range(low, high + 1)
    ]
    digest = bob_phone.keys.digest(status["signed_pre_key"]["key_id"], ids)
    assert decode(status["digest"]) == digest


def test_ranges_show_the_gaps(alice_phone: cast.Phone, bob_phone: cast.Phone) -> None:
    alice_phone.api.claim(bob_phone.id)
    later = bob_phone.keys.make_one_time_pre_keys(3, above=99)
    stock = bob_phone.api.publish(later)["one_time_pre_keys"]
    assert stock == {
        "available": 22,
        "available_ranges": [[2, 20], [100, 102]],
        "highest_key_id": 102,
    }


def test_an_identical_batch_again_is_a_no_op_claimed_or_not(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    batch = fresh(bob_phone, 10)
    bob_phone.api.publish(batch)
    for _ in range(22):
        alice_phone.api.claim(bob_phone.id)
    with nothing_changes(bob_phone):
        bob_phone.api.publish(batch)


def test_a_batch_partly_there_adds_the_rest(bob_phone: cast.Phone) -> None:
    batch = fresh(bob_phone, 10)
    bob_phone.api.publish(batch[:4])
    assert bob_phone.api.publish(batch)["one_time_pre_keys"]["available"] == 30


def test_an_id_at_or_below_the_highest_seen_conflicts_and_is_named(bob_phone: cast.Phone) -> None:
    keys = [{"key_id": n, "public_key": encode(secrets.token_bytes(31) + b"\x01")} for n in (3, 7)]
    with nothing_changes(bob_phone), refused(409, "key_id_conflict") as problems:
        bob_phone.api.publish([*keys, *fresh(bob_phone, 1)])
    assert problems[0].body["key_ids"] == [3, 7]


def test_withdrawn_ids_stay_used(bob_phone: cast.Phone) -> None:
    batch = fresh(bob_phone, 5)
    bob_phone.api.publish(batch)
    status = bob_phone.api.withdraw()
    assert status["one_time_pre_keys"]["available"] == 0
    with nothing_changes(bob_phone), refused(409, "key_id_conflict"):
        bob_phone.api.publish(batch)
    with nothing_changes(bob_phone):
        bob_phone.api.withdraw()


def test_a_public_key_under_another_id_is_refused(bob_phone: cast.Phone) -> None:
    (key,) = fresh(bob_phone, 1)
    bob_phone.api.publish([key])
    with nothing_changes(bob_phone), refused(409, "key_reused"):
        bob_phone.api.publish([{**key, "key_id": key["key_id"] + 1}])


def test_a_batch_over_100_and_a_stock_over_1000_are_refused(bob_phone: cast.Phone) -> None:
    with nothing_changes(bob_phone), refused(413, "too_many_keys"):
        bob_phone.api.publish(fresh(bob_phone, 101))
    for _ in range(9):
        bob_phone.api.publish(fresh(bob_phone, 100))
    with nothing_changes(bob_phone), refused(413, "too_many_keys"):
        bob_phone.api.publish(fresh(bob_phone, 100))
    status = bob_phone.api.publish(fresh(bob_phone, 80))
    assert status["one_time_pre_keys"]["available"] == 1000


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (LOW_ORDER, "low_order"),
        (NON_CANONICAL, "non_canonical"),
        (b"\xff" * 32, "non_canonical"),
        (b"\x09" * 31, "wrong_length"),
        (b"", "wrong_length"),
    ],
)
def test_a_defective_public_key_is_refused_and_named(
    bob_phone: cast.Phone, key: bytes, code: str
) -> None:
    good = fresh(bob_phone, 2)
    with nothing_changes(bob_phone), refused(422, "public_key_invalid") as problems:
        bob_phone.api.publish([*good, {"key_id": 50, "public_key": encode(key)}])
    (error,) = problems[0].body["errors"]
    assert (error["field"], error["code"]) == ("one_time_pre_keys[2].public_key", code)

    signed = {"key_id": 2, "public_key": encode(key), "signature": encode(bytes(64))}
    with nothing_changes(bob_phone), refused(422, "public_key_invalid") as problems:
        bob_phone.api.rotate(signed)
    assert problems[0].body["errors"][0]["code"] == code


def test_keys_of_a_bundle_are_distinct(bob_phone: cast.Phone) -> None:
    first, second = fresh(bob_phone, 2)
    twice = [first, {**second, "public_key": first["public_key"]}]
    own = [{"key_id": 60, "public_key": encode(bob_phone.keys.identity_key)}]
    for batch in (twice, own):
        with nothing_changes(bob_phone), refused(422, "public_key_invalid") as problems:
            bob_phone.api.publish(batch)
        assert problems[0].body["errors"][0]["code"] == "not_distinct"


def test_the_identity_key_never_changes(bob_phone: cast.Phone) -> None:
    other = encode(DeviceKeys.generate().identity_key)
    path = f"key-bundles/{bob_phone.id}"
    with nothing_changes(bob_phone), refused(409, "identity_key_immutable"):
        bob_phone.api._send("PUT", path, {"identity_key": other})


def malleated(signature: bytes) -> bytes:
    """The same signature with s + L: it verifies wherever s is not checked to be below L."""
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(signature[32:], "little") + order
    return signature[:32] + scalar.to_bytes(32, "little")


def flipped(signature: bytes) -> bytes:
    return bytes([signature[0] ^ 1]) + signature[1:]


@pytest.mark.parametrize("spoil", [malleated, flipped, lambda signature: signature[:63]])
def test_a_signature_that_does_not_verify_is_refused(
    bob_phone: cast.Phone, spoil: Callable[[bytes], bytes]
) -> None:
    signed = bob_phone.keys.rotate_signed_pre_key().to_public_json()
    signed["signature"] = encode(spoil(decode(signed["signature"])))
    with nothing_changes(bob_phone), refused(422, "signature_invalid") as problems:
        bob_phone.api.rotate(signed)
    assert problems[0].body["field"] == "signature"


def test_a_signature_by_another_identity_key_is_refused(bob_phone: cast.Phone) -> None:
    foreign = DeviceKeys.generate().rotate_signed_pre_key().to_public_json()
    with nothing_changes(bob_phone), refused(422, "signature_invalid"):
        bob_phone.api.rotate(foreign)


def test_the_current_key_again_is_a_no_op_that_does_not_renew_its_age(
    bob_phone: cast.Phone,
) -> None:
    current = bob_phone.keys.signed_pre_key.to_public_json()
    uploaded_at = bob_phone.api.status()["signed_pre_key"]["uploaded_at"]
    with clock.moved_by(timedelta(hours=5)), nothing_changes(bob_phone):
        status = bob_phone.api.rotate(current)
    assert status["signed_pre_key"]["uploaded_at"] == uploaded_at


def test_a_key_used_before_never_comes_back(bob_phone: cast.Phone) -> None:
    old = bob_phone.keys.signed_pre_key
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
    with nothing_changes(bob_phone), refused(409, "key_reused"):
        bob_phone.api.rotate(old.to_public_json())
    with nothing_changes(bob_phone), refused(409, "key_reused"):
        bob_phone.api.rotate({**old.to_public_json(), "key_id": 9})


def test_a_key_used_before_is_known_even_when_it_is_gone(bob_phone: cast.Phone) -> None:
    from keys.tasks import delete_lapsed_signed_pre_keys

    old = bob_phone.keys.signed_pre_key
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
    with clock.moved_by(timedelta(hours=169)):
        delete_lapsed_signed_pre_keys()
        with refused(409, "key_reused"):
            bob_phone.api.rotate({**old.to_public_json(), "key_id": 9})


def test_ids_of_signed_pre_keys_grow(bob_phone: cast.Phone) -> None:
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key(above=6).to_public_json())
    new = bob_phone.keys.rotate_signed_pre_key().to_public_json()
    with nothing_changes(bob_phone), refused(409, "key_id_conflict"):
        bob_phone.api.rotate({**new, "key_id": 7})
    with nothing_changes(bob_phone), refused(409, "key_id_conflict"):
        bob_phone.api.rotate({**new, "key_id": 3})


def test_24_rotations_a_day_and_not_25(bob_phone: cast.Phone) -> None:
    with clock.moved_by(timedelta(hours=30)):
        for _ in range(24):
            bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
        signed = bob_phone.keys.rotate_signed_pre_key().to_public_json()
        with nothing_changes(bob_phone), refused(429, "rotation_limit") as problems:
            bob_phone.api.rotate(signed)
        assert 86_000 < problems[0].body["retry_after"] <= 86_401
    with clock.moved_by(timedelta(hours=54, minutes=1)):
        bob_phone.api.rotate(signed)


def test_publish_takes_a_signed_pre_key_too(bob_phone: cast.Phone) -> None:
    status = bob_phone.api.publish(
        fresh(bob_phone, 3), bob_phone.keys.rotate_signed_pre_key().to_public_json()
    )
    assert status["signed_pre_key"]["key_id"] == 2
    assert status["one_time_pre_keys"]["available"] == 23


def test_publish_is_all_or_nothing(bob_phone: cast.Phone) -> None:
    """The signed pre-key is installed first; a bad batch after it takes it back."""
    signed = bob_phone.keys.rotate_signed_pre_key().to_public_json()
    bad = {"key_id": 5, "public_key": encode(secrets.token_bytes(31) + b"\x01")}
    with nothing_changes(bob_phone), refused(409, "key_id_conflict"):
        bob_phone.api.publish([bad], signed)


def test_nothing_that_a_peer_can_read_tells_the_stock(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    bundle = alice_phone.api.claim(bob_phone.id)
    assert set(bundle) == {
        "device_id",
        "registration_id",
        "identity_key",
        "signed_pre_key",
        "previous_signed_pre_keys",
        "one_time_pre_key",
        "suite",
        "endorsement",
        "log",
    }
    with refused(404, "not_found"):
        alice_phone.api._send("GET", f"key-bundles/{bob_phone.id}")


def test_every_change_is_an_event(bob_phone: cast.Phone) -> None:
    before = len(cast.events(bob_phone.device))
    bob_phone.api.publish(fresh(bob_phone, 3))
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
    bob_phone.api.withdraw()
    told = [
        (what["type"], what["data"])
        for what in cast.events(bob_phone.device)[before:]
        if what["type"] != "device.authenticated"
    ]
    assert told == [
        ("key_bundle.published", {"added": 3, "highest_key_id": 23, "lowest_key_id": 21}),
        ("signed_pre_key.rotated", {"key_id": 2, "superseded_key_id": 1}),
        ("key_bundle.withdrawn", {"withdrawn": 23}),
    ]
