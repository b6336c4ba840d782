"""What a stranger with the format's description finds in the tables (audit-log.md)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from audit.commitments import canonical, commit, entry_of, leaf_hash, part_commitment
from audit.registry import REGISTRY, EventClass
from audit.services.recording import record_platform
from orgs.events.people import AccountCreated
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import change_role
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests.cast import Phone

CLASS_OF_TYPE = {
    "member.admitted": 1,
    "member.role_changed": 1,
    "organisation.created": 1,
    "account.created": 1,
    "device.enrolled": 3,
    "device.approved": 3,
    "key_bundle.published": 3,
    "signed_pre_key.rotated": 3,
    "device.authenticated": 6,
    "key_bundle.claimed": 6,
}


@dataclass(frozen=True)
class Written:
    """A row of the events and its entry, as any reader of the database sees them."""

    id: UUID
    event_class: int
    who: bytes
    who_opening: bytes
    c_who: bytes
    what: bytes
    what_opening: bytes
    c_what: bytes
    entry: bytes

    @property
    def type(self) -> str:
        return str(json.loads(self.what)["type"])


def written(log: str = "") -> list[Written]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event.id, class, who, who_opening, c_who, what, what_opening, c_what, entry"
            f" FROM audit_{log}event AS event JOIN audit_{log}pending AS pending"
            " ON pending.event_id = event.id ORDER BY pending.id"
        )
        return [Written(*row) for row in cursor.fetchall()]


def by_hand(name: str, opening: bytes, part: bytes) -> bytes:
    digest = sha256()
    for piece in (b"semafore/part/v1", b"\x00", name.encode("ascii"), b"\x00", opening, part):
        digest.update(piece)
    return digest.digest()


def entry_by_hand(event: Written) -> bytes:
    kind = event.event_class.to_bytes(1, "big")
    c_who = by_hand("who", event.who_opening, event.who)
    c_what = by_hand("what", event.what_opening, event.what)
    whole = sha256(b"semafore/event/v1" + b"\x00" + kind + c_who + c_what)
    return b"\x01" + kind + whole.digest()


def canonical_by_hand(part: bytes) -> bytes:
    """For plain ASCII alone: there, RFC 8785 is sorted keys and no spaces."""
    assert part.isascii()
    return json.dumps(json.loads(part), sort_keys=True, separators=(",", ":")).encode("ascii")


@pytest.fixture
def life(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> list[Written]:
    """Some events of many kinds, made by the services and the API."""
    alice_phone.api.claim(bob_phone.id)
    bob_phone.api.publish(bob_phone.keys.make_one_time_pre_keys(3))
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
    with acting_as(SYSTEM), organisation_scope(acme.id):
        change_role(membership_id=bob.id, role=Role.AUDITOR)
    return written()


def test_every_entry_can_be_recomputed_from_its_parts(life: list[Written]) -> None:
    assert {event.type for event in life} >= set(CLASS_OF_TYPE) - {"account.created"}
    for event in life:
        assert event.c_who == by_hand("who", event.who_opening, event.who)
        assert event.c_what == by_hand("what", event.what_opening, event.what)
        assert event.entry == entry_by_hand(event)


def test_the_platform_log_uses_the_same_format(life: list[Written]) -> None:
    platform = written("platform")

    assert {event.type for event in platform} == {"account.created"}
    assert [event.entry for event in platform] == [entry_by_hand(event) for event in platform]


def test_the_stored_bytes_are_canonical(life: list[Written]) -> None:
    for event in life:
        assert event.who == canonical_by_hand(event.who)
        assert event.what == canonical_by_hand(event.what)


def test_an_entry_has_34_bytes_and_shows_version_and_class(life: list[Written]) -> None:
    for event in [*life, *written("platform")]:
        assert len(event.entry) == 34
        assert event.entry[:2] == bytes([1, event.event_class])
        assert event.event_class == REGISTRY[event.type].event_class
        assert event.event_class == CLASS_OF_TYPE.get(event.type, event.event_class)


def test_every_opening_is_32_bytes_and_its_own(life: list[Written]) -> None:
    openings = [opening for event in life for opening in (event.who_opening, event.what_opening)]

    assert {len(opening) for opening in openings} == {32}
    assert len(set(openings)) == len(openings)


def test_the_what_part_names_the_event(life: list[Written]) -> None:
    for event in life:
        what = json.loads(event.what)
        assert set(what) == {"id", "type", "time", "outcome", "data"}
        assert what["id"] == str(event.id)
        assert what["outcome"] == "success"
        assert datetime.fromisoformat(what["time"]).utcoffset() == timedelta(0)
        assert what["time"].endswith("Z")


def test_no_number_in_an_event_is_a_float(life: list[Written]) -> None:
    def numbers(value: Any) -> Iterator[Any]:
        match value:
            case dict():
                for inner in value.values():
                    yield from numbers(inner)
            case list():
                for inner in value:
                    yield from numbers(inner)
            case int() | float():
                yield value

    for event in life:
        found = [*numbers(json.loads(event.who)), *numbers(json.loads(event.what))]
        assert not [number for number in found if isinstance(number, float)]


def test_one_part_can_be_proved_without_the_other(life: list[Written]) -> None:
    for event in life:
        kind = bytes([event.event_class])
        c_what = by_hand("what", event.what_opening, event.what)
        without_who = sha256(b"semafore/event/v1\0" + kind + event.c_who + c_what).digest()
        assert event.entry[2:] == without_who


def test_a_part_under_another_opening_name_or_text_is_another_commitment() -> None:
    first = part_commitment("who", bytes(32), b"{}")

    assert first != part_commitment("who", b"\x01" + bytes(31), b"{}")
    assert first != part_commitment("what", bytes(32), b"{}")
    assert first != part_commitment("who", bytes(32), b"[]")


def test_the_class_is_inside_the_commitment_too() -> None:
    c_who, c_what = bytes(32), bytes([1]) * 32
    first = entry_of(EventClass.ADMINISTRATION, c_who, c_what)
    second = entry_of(EventClass.CLAIMS, c_who, c_what)

    assert first[1] == 1
    assert second[1] == 6
    assert first[2:] != second[2:]


def test_a_fixed_event_has_the_entry_that_sha256sum_gives() -> None:
    """Computed once with printf, xxd and sha256sum."""
    committed = commit(
        EventClass.DEVICE_KEYS, {"actor": None}, {"type": "t"}, (bytes(32), b"\xff" * 32)
    )

    assert committed.who == b'{"actor":null}'
    assert committed.what == b'{"type":"t"}'
    assert committed.c_who.hex() == C_WHO
    assert committed.c_what.hex() == C_WHAT
    assert committed.entry.hex() == ENTRY
    assert leaf_hash(committed.entry).hex() == LEAF


C_WHO = "67fc3d1d8a5868f46256e2015ebe6cd7709d522ccf93663e665f22d5b8b5f607"
C_WHAT = "da4fd3151ff63261428868b1403225364e370cbcc120d935e7a4620f2cd7abea"
ENTRY = "01031106843ada057343764d6e93a487e4ec0183a002ad5881842e8a8072fbb26e45"
LEAF = "e12911aeaac3b22c4f31469f13f1beef49be61406c06b07f705afb66fdb8fda8"


def test_the_recorder_answers_the_leaf_of_the_entry(db: None) -> None:
    with acting_as(SYSTEM):
        recorded = record_platform(AccountCreated(account_id=UUID(int=7)))
    (event,) = written("platform")

    assert recorded.event_id == event.id
    assert recorded.leaf == sha256(b"\x00" + event.entry).digest()


def test_names_are_sorted_by_utf_16_as_in_rfc_8785() -> None:
    """The RFC's own example, section 3.2.3; by code points the last two would change places."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]

    text = canonical(dict.fromkeys(names, 0)).decode("utf-8")

    assert [name for name, _ in json.loads(text, object_pairs_hook=list)] == order


def test_letters_are_written_as_they_are_and_controls_escaped_as_in_rfc_8785() -> None:
    written_text = canonical({"s": "\u20ac$\u000f\nA'\u0042\u0022\u005c\\\"/\u007f\u2028"})

    assert written_text == '{"s":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f\u2028"}'.encode()


def test_equal_looking_letters_stay_different() -> None:
    """Nothing is normalised: the log holds what was said."""
    assert canonical("é") != canonical("e\u0301")


def test_the_order_in_which_data_came_does_not_matter() -> None:
    assert canonical({"b": [1, {"d": 1, "c": 2}], "a": None}) == b'{"a":null,"b":[1,{"c":2,"d":1}]}'


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    SEVEN = 7


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (b"\xfb\xff", '"+/8="'),
        (datetime(2026, 11, 21, 9, 30, tzinfo=UTC), '"2026-11-21T09:30:00.000000Z"'),
        (
            datetime(2026, 11, 21, 9, 30, tzinfo=timezone(timedelta(hours=2))),
            '"2026-11-21T07:30:00.000000Z"',
        ),
        (Colour.RED, '"red"'),
        (Number.SEVEN, "7"),
        (True, "true"),
        ((1, 2), "[1,2]"),
        (2**53 - 1, "9007199254740991"),
    ],
)
def test_ids_times_and_bytes_are_strings(value: object, text: str) -> None:
    assert canonical(value) == text.encode("ascii")


@pytest.mark.parametrize("value", [1.0, 0.5, float("nan"), Decimal(1), {1, 2}, object(), 1j])
def test_floats_and_whatever_is_not_json_are_refused(value: object) -> None:
    for nested in (value, [value], {"deep": {"down": [value]}}):
        with pytest.raises(TypeError):
            canonical(nested)


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800"])
def test_what_would_be_read_back_differently_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - rfc8785 has several of them
        canonical(value)


def test_a_time_without_a_zone_is_refused() -> None:
    """Read as the machine's own zone, it would commit to another moment on another machine."""
    with pytest.raises((TypeError, ValueError)):
        canonical(datetime(2026, 11, 21, 9, 30))  # noqa: DTZ001 - the point


def test_names_of_people_survive_in_any_script(acme: Organisation) -> None:
    label = "Zoë Ōhashi 🦉 \u202e"
    # An operator's: of people of organisations the platform's own log keeps no names.
    with acting_as(Actor(kind=ActorKind.OPERATOR, id=UUID(int=5), label=label)):
        record_platform(AccountCreated(account_id=UUID(int=7)))
    event = written("platform")[-1]

    assert json.loads(event.who)["actor"]["label"] == label
    assert label.encode() in event.who
    assert event.entry == entry_by_hand(event)
