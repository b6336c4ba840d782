"""Double Ratchet sessions between two devices' keys. No server."""

import json
from uuid import UUID

import pytest

from semafore.local.client import sessions
from semafore.local.client.agreement import AgreementError
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.ratchet import SKIPPED_AT_ONCE, DuplicateError, UndecryptableError
from semafore.local.client.wire import JsonObject, encode

ALICE = UUID("11111111-1111-4111-8111-111111111111")
BOB = UUID("22222222-2222-4222-8222-222222222222")

Envelope = tuple[str, bytes]


def bundle_of(keys: DeviceKeys, device_id: UUID, *, one_time: bool = True) -> JsonObject:
    """What a claim of this device answers, the OPK newly made."""
    return {
        "device_id": str(device_id),
        "registration_id": keys.registration_id,
        "identity_key": encode(keys.identity_key),
        "signed_pre_key": keys.signed_pre_key.to_public_json(),
        "one_time_pre_key": keys.make_one_time_pre_keys(1)[0] if one_time else None,
        "suite": "x3dh-25519",
    }


def restarted(keys: DeviceKeys) -> DeviceKeys:
    """As the state file gives them back."""
    return DeviceKeys.from_json(json.loads(json.dumps(keys.to_json())))


@pytest.fixture
def alice() -> DeviceKeys:
    return DeviceKeys.generate()


@pytest.fixture
def bob() -> DeviceKeys:
    return DeviceKeys.generate()


def to_bob(alice: DeviceKeys, text: str) -> Envelope:
    return sessions.encrypt(alice, BOB, text.encode())


def to_alice(bob: DeviceKeys, text: str) -> Envelope:
    return sessions.encrypt(bob, ALICE, text.encode())


def at_bob(bob: DeviceKeys, envelope: Envelope) -> str:
    return sessions.decrypt(bob, ALICE, *envelope).decode()


def at_alice(alice: DeviceKeys, envelope: Envelope) -> str:
    return sessions.decrypt(alice, BOB, *envelope).decode()


def begun(alice: DeviceKeys, bob: DeviceKeys) -> Envelope:
    """Alice begins; returns what she sends first."""
    return sessions.begin(alice, BOB, bundle_of(bob, BOB), b"first")


@pytest.mark.parametrize("one_time", [True, False], ids=["with an OPK", "without one"])
def test_a_session_goes_both_ways(alice: DeviceKeys, bob: DeviceKeys, one_time: bool) -> None:
    first = sessions.begin(alice, BOB, bundle_of(bob, BOB, one_time=one_time), b"first")
    second = to_bob(alice, "second")

    assert (first[0], second[0]) == ("pre_key", "pre_key")
    assert [at_bob(bob, first), at_bob(bob, second)] == ["first", "second"]
    assert bob.one_time_pre_keys == {}
    answer = to_alice(bob, "answer")
    assert answer[0] == "message"
    assert at_alice(alice, answer) == "answer"
    third = to_bob(alice, "third")
    assert third[0] == "message"
    assert at_bob(bob, third) == "third"


def test_a_session_survives_restarts_of_both(alice: DeviceKeys, bob: DeviceKeys) -> None:
    envelope = begun(alice, bob)
    for round_ in range(4):
        alice, bob = restarted(alice), restarted(bob)
        at_bob(bob, envelope)
        alice, bob = restarted(alice), restarted(bob)
        assert at_alice(alice, to_alice(bob, f"round {round_}")) == f"round {round_}"
        envelope = to_bob(alice, "on")


def test_both_begin_at_the_same_time(alice: DeviceKeys, bob: DeviceKeys) -> None:
    from_alice = begun(alice, bob)
    from_bob = sessions.begin(bob, ALICE, bundle_of(alice, ALICE), b"me too")

    assert at_bob(bob, from_alice) == "first"
    assert at_alice(alice, from_bob) == "me too"
    for round_ in range(3):
        crossing = to_bob(alice, f"a{round_}"), to_alice(bob, f"b{round_}")
        assert at_bob(bob, crossing[0]) == f"a{round_}"
        assert at_alice(alice, crossing[1]) == f"b{round_}"
    assert len(alice.peers[BOB].sessions) == len(bob.peers[ALICE].sessions) == 2


def test_what_comes_out_of_order_is_read(alice: DeviceKeys, bob: DeviceKeys) -> None:
    envelopes = [begun(alice, bob), *(to_bob(alice, str(n)) for n in range(5))]

    order = [3, 0, 5, 1, 4, 2]
    assert [at_bob(bob, envelopes[n]) for n in order] == [
        "2",
        "first",
        "4",
        "0",
        "3",
        "1",
    ]


def test_a_gap_beyond_the_limit_is_refused(alice: DeviceKeys, bob: DeviceKeys) -> None:
    at_bob(bob, begun(alice, bob))
    last = [to_bob(alice, str(n)) for n in range(SKIPPED_AT_ONCE + 2)][-2:]

    with pytest.raises(UndecryptableError):
        at_bob(bob, last[1])
    assert at_bob(bob, last[0]) == str(SKIPPED_AT_ONCE)


def test_a_first_message_again_gives_nothing_and_harms_nothing(
    alice: DeviceKeys, bob: DeviceKeys
) -> None:
    first = begun(alice, bob)
    at_bob(bob, first)

    before = bob.to_json()
    with pytest.raises(DuplicateError):
        at_bob(bob, first)
    assert bob.to_json() == before
    assert at_bob(bob, to_bob(alice, "second")) == "second"


def test_a_first_message_without_its_session_is_stopped_by_the_key_it_used_up(
    alice: DeviceKeys, bob: DeviceKeys
) -> None:
    first = begun(alice, bob)
    at_bob(bob, first)
    bob.peers.clear()

    with pytest.raises(AgreementError, match="used before"):
        at_bob(bob, first)


@pytest.mark.parametrize("place", [0, 1, 3, 40, 70, 78, 90, 117, 130, -1])
def test_a_changed_first_message_uses_nothing_up(
    alice: DeviceKeys, bob: DeviceKeys, place: int
) -> None:
    kind, ciphertext = begun(alice, bob)
    changed = bytearray(ciphertext)
    changed[place] ^= 1

    before = bob.to_json()
    with pytest.raises((UndecryptableError, AgreementError)):
        at_bob(bob, (kind, bytes(changed)))
    assert bob.to_json() == before
    assert at_bob(bob, (kind, ciphertext)) == "first"


@pytest.mark.parametrize("length", [0, 1, 40, 41, 76, 77, 118, 130])
def test_a_message_cut_short_is_refused(alice: DeviceKeys, bob: DeviceKeys, length: int) -> None:
    kind, ciphertext = begun(alice, bob)

    for tried in (kind, "message"):
        with pytest.raises((UndecryptableError, AgreementError)):
            at_bob(bob, (tried, ciphertext[:length]))


def test_another_identity_key_of_a_known_device_is_refused(
    alice: DeviceKeys, bob: DeviceKeys
) -> None:
    at_bob(bob, begun(alice, bob))
    mallory = DeviceKeys.generate()

    with pytest.raises(AgreementError, match="another than before"):
        sessions.begin(alice, BOB, bundle_of(mallory, BOB), b"secret")
    with pytest.raises(AgreementError, match="another than before"):
        at_bob(bob, sessions.begin(mallory, BOB, bundle_of(bob, BOB), b"I am Alice"))


def test_only_so_many_sessions_of_a_peer_are_kept(alice: DeviceKeys, bob: DeviceKeys) -> None:
    for _ in range(sessions.KEPT + 3):
        at_bob(bob, begun(alice, bob))

    assert len(bob.peers[ALICE].sessions) == sessions.KEPT
    assert at_bob(bob, to_bob(alice, "on")) == "on"
