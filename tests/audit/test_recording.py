"""`record()`: no event, no act; and what an event says of people."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django_scopes.exceptions import ScopeError

from audit import registry
from audit.models import Event, Pending, PlatformEvent, PlatformPending
from audit.registry import REGISTRY, EventClass, EventType, What, event
from audit.services.recording import (
    Fact,
    NotRecordableError,
    Ref,
    record,
    record_many,
    record_platform,
)
from orgs.events.people import AccountCreated, MemberSuspended
from orgs.models import Account, Membership, Organisation
from orgs.services.memberships import suspend_membership
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, NoActorError, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.cast import Phone

DEVICE = Actor(
    kind=ActorKind.DEVICE,
    id=UUID(int=1),
    label="Bob, Phone",
    membership_id=UUID(int=2),
    address="192.0.2.7",
    user_agent="SemaFore/1.0.0",
    request_id="request-7",
)


class RefusedError(Exception):
    """The act fails after its event was recorded."""


def parts(row: Event | PlatformEvent) -> tuple[dict[str, Any], dict[str, Any]]:
    return json.loads(bytes(row.who or b"")), json.loads(bytes(row.what or b""))


def logged(organisation: Organisation) -> list[Event]:
    """As they were recorded, which the ids of one millisecond don't tell."""
    with organisation_scope(organisation.id):
        order = list(Pending.objects.order_by("id").values_list("event_id", flat=True))
        rows = Event.objects.in_bulk(order)
        assert len(rows) == Event.objects.count()
    return [rows[event_id] for event_id in order]


def test_a_record_outside_a_transaction_is_refused(committed: None) -> None:
    acme = cast.organisation("Acme")
    with acting_as(SYSTEM), organisation_scope(acme.id):
        before = Event.objects.count()
        with pytest.raises(NotRecordableError, match="transaction"):
            record(MemberSuspended(reason="none"))
        assert Event.objects.count() == before
    with acting_as(SYSTEM), pytest.raises(NotRecordableError, match="transaction"):
        record_platform(AccountCreated(account_id=uuid4()))
    assert not PlatformEvent.objects.exists()


def test_a_record_without_an_organisation_is_refused(db: None) -> None:
    with acting_as(SYSTEM), pytest.raises(ScopeError):
        record(MemberSuspended(reason="none"))


def test_a_record_without_an_actor_is_refused(acme: Organisation) -> None:
    with organisation_scope(acme.id), pytest.raises(NoActorError):
        record(MemberSuspended(reason="none"))
    with pytest.raises(NoActorError):
        record_platform(AccountCreated(account_id=uuid4()))


def test_a_type_that_is_not_registered_is_refused(acme: Organisation) -> None:
    class Made(MemberSuspended):
        """Looks like an event and was never registered."""

        type = EventType(
            name="member.made_up",
            event_class=EventClass.ADMINISTRATION,
            severity=registry.Severity.LOW,
            sentence="{actor} made something up.",
            ocsf_class=registry.OcsfClass.ENTITY_MANAGEMENT,
        )

    before = len(logged(acme))
    with (
        acting_as(SYSTEM),
        organisation_scope(acme.id),
        pytest.raises(NotRecordableError, match=r"member\.made_up"),
    ):
        record(Made(reason="none"))
    assert len(logged(acme)) == before


def test_a_type_that_borrows_a_registered_name_is_refused(acme: Organisation) -> None:
    class Impostor(MemberSuspended):
        """Another class, severity and sentence under a registered name."""

        type = EventType(
            name="member.suspended",
            event_class=EventClass.LOG,
            severity=registry.Severity.INFORMATIONAL,
            sentence="Nothing happened.",
            ocsf_class=registry.OcsfClass.ENTITY_MANAGEMENT,
        )

    with (
        acting_as(SYSTEM),
        organisation_scope(acme.id),
        pytest.raises(NotRecordableError),
    ):
        record(Impostor(reason="none"))


@pytest.fixture
def a_type_of_its_own() -> Iterator[str]:
    name = "test.happened"
    yield name
    registry._types.pop(name, None)


def test_a_type_declared_twice_stops_the_start(a_type_of_its_own: str) -> None:
    @event(a_type_of_its_own, EventClass.ADMINISTRATION, sentence="{actor} did it.")
    class First(MemberSuspended):
        """The first."""

    with pytest.raises(ImproperlyConfigured, match="declared twice"):

        @event(a_type_of_its_own, EventClass.ADMINISTRATION, sentence="{actor} did it.")
        class Second(MemberSuspended):
            """The second."""

    assert REGISTRY[a_type_of_its_own] is First.type


def test_an_event_and_its_entry_come_together(acme: Organisation) -> None:
    with acting_as(SYSTEM), organisation_scope(acme.id):
        before = set(Pending.objects.values_list("event_id", flat=True))
        recorded = record(MemberSuspended(reason="none"))

        assert Event.objects.filter(id=recorded.event_id).count() == 1
        assert set(Pending.objects.values_list("event_id", flat=True)) - before == {
            recorded.event_id
        }


def test_every_event_has_one_entry_and_every_entry_an_event(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    alice_phone.api.claim(bob_phone.id)
    with organisation_scope(acme.id):
        events = list(Event.objects.values_list("id", flat=True))
        entries = list(Pending.objects.values_list("event_id", flat=True))

    assert events
    assert sorted(events) == sorted(entries)


def test_both_go_when_the_act_fails(committed: None) -> None:
    acme = cast.organisation("Acme")
    before = len(logged(acme))

    @transaction.atomic
    def act() -> None:
        record(MemberSuspended(reason="none"))
        record_platform(AccountCreated(account_id=uuid4()))
        raise RefusedError

    with acting_as(SYSTEM), organisation_scope(acme.id):
        with pytest.raises(RefusedError):
            act()

        assert Event.objects.count() == Pending.objects.count() == before
    assert not PlatformEvent.objects.exists()
    assert not PlatformPending.objects.exists()


def test_the_act_goes_when_its_event_fails(committed: None) -> None:
    acme = cast.organisation("Acme")
    cast.member(acme, "Alice")
    bob = cast.member(acme, "Bob")
    with organisation_scope(acme.id):
        with pytest.raises(NoActorError):
            suspend_membership(membership_id=bob.id, reason="nobody acts")

        assert Membership.objects.get(id=bob.id).status == "active"


def test_a_service_records_in_the_transaction_of_its_act(committed: None) -> None:
    acme = cast.organisation("Acme")
    bob = cast.member(acme, "Bob")
    before = len(logged(acme))

    @transaction.atomic
    def act() -> None:
        suspend_membership(membership_id=bob.id, reason="taken back")
        raise RefusedError

    with acting_as(SYSTEM), organisation_scope(acme.id):
        with pytest.raises(RefusedError):
            act()

        assert Membership.objects.get(id=bob.id).status == "active"
    assert len(logged(acme)) == before


def test_many_are_recorded_in_their_order_by_one_statement(acme: Organisation) -> None:
    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    facts = [Fact(MemberSuspended(reason=f"number {n}")) for n in range(50)]
    with (
        acting_as(SYSTEM),
        organisation_scope(acme.id),
        connection.execute_wrapper(note),
    ):
        recorded = record_many(facts)

    assert len(statements) == 1
    with organisation_scope(acme.id):
        ids = list(
            Pending.objects.order_by("id").values_list("event_id", flat=True)[
                Pending.objects.count() - 50 :
            ]
        )
        rows = Event.objects.in_bulk(ids)
    assert ids == [one.event_id for one in recorded]
    reasons = [parts(rows[event_id])[1]["data"]["reason"] for event_id in ids]
    assert reasons == [f"number {n}" for n in range(50)]


def test_recording_nothing_is_no_fault(acme: Organisation) -> None:
    with acting_as(SYSTEM), organisation_scope(acme.id):
        before = Event.objects.count()
        assert record_many([]) == []
        assert Event.objects.count() == before


def test_the_platform_log_is_separate(acme: Organisation, globex: Organisation) -> None:
    before = len(logged(acme)), len(logged(globex))
    with acting_as(SYSTEM), organisation_scope(acme.id):
        record_platform(AccountCreated(account_id=UUID(int=7)))

    assert (len(logged(acme)), len(logged(globex))) == before
    (row,) = PlatformEvent.objects.all()
    assert PlatformPending.objects.get().event_id == row.id
    assert parts(row)[1]["data"] == {"account_id": str(UUID(int=7))}


def test_an_organisation_sees_its_own_events_alone(
    acme: Organisation, globex: Organisation
) -> None:
    with acting_as(SYSTEM), organisation_scope(acme.id):
        recorded = record(MemberSuspended(reason="Acme's alone"))

    assert recorded.event_id in {row.id for row in logged(acme)}
    assert recorded.event_id not in {row.id for row in logged(globex)}


def test_who_names_the_actor_and_where_they_came_from(acme: Organisation) -> None:
    target = Ref(kind="member", id=UUID(int=3), label="Carol")
    with acting_as(DEVICE), organisation_scope(acme.id):
        record(
            MemberSuspended(reason="none"),
            target=target,
            subject=Ref(kind="member", id=UUID(int=4), label="Dan"),
            room=Ref(kind="room"),
        )
    who, _ = parts(logged(acme)[-1])

    assert who == {
        "actor": {
            "kind": "device",
            "id": str(UUID(int=1)),
            "label": "Bob, Phone",
            "member": str(UUID(int=2)),
        },
        "target": {"kind": "member", "id": str(UUID(int=3)), "label": "Carol"},
        "subject": {"kind": "member", "id": str(UUID(int=4)), "label": "Dan"},
        "room": {"kind": "room", "id": None, "label": ""},
        "recipients_root": None,
        "address": "192.0.2.7",
        "user_agent": "SemaFore/1.0.0",
        "request_id": "request-7",
    }


def test_who_always_has_the_same_names(alice_phone: Phone, bob_phone: Phone) -> None:
    alice_phone.api.claim(bob_phone.id)
    with organisation_scope(alice_phone.device.organisation_id):
        shapes = {tuple(sorted(parts(row)[0])) for row in Event.objects.all()}

    names = (
        "actor",
        "address",
        "recipients_root",
        "request_id",
        "room",
        "subject",
        "target",
        "user_agent",
    )
    assert shapes == {names}


def test_what_names_no_person(acme: Organisation, alice_phone: Phone) -> None:
    """`who` can be forgotten: whatever names a person must not stand in `what`."""
    # Three letters would stand in the base64 of some keys.
    other_phone = cast.phone(cast.member(acme, "Bartholomew"))
    alice_phone.api.claim(other_phone.id)
    with acting_as(SYSTEM), organisation_scope(acme.id):
        suspend_membership(membership_id=other_phone.device.membership_id, reason="leave")
    named = {"Alice", "Bartholomew", str(alice_phone.device.membership_id)}
    named |= {str(other_phone.device.membership_id)}

    for row in logged(acme):
        assert not [name for name in named if name.encode() in bytes(row.what or b"")]


def test_no_event_of_an_organisation_holds_an_account_id(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    """An account's id would tie what one person does in two organisations together."""
    alice_phone.api.claim(bob_phone.id)
    accounts = [
        str(account_id).encode() for account_id in Account.objects.values_list("id", flat=True)
    ]
    rows = logged(acme)

    assert rows
    assert accounts
    for row in rows:
        both = bytes(row.who or b"") + bytes(row.what or b"")
        assert not [account for account in accounts if account in both]


def test_the_name_stands_as_it_read_then(acme: Organisation, bob: Membership) -> None:
    with acting_as(SYSTEM), organisation_scope(acme.id):
        suspend_membership(membership_id=bob.id, reason="none")
        Membership.objects.filter(id=bob.id).update(name="Robert")
    who, _ = parts(logged(acme)[-1])

    assert who["target"]["label"] == "Bob"


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_sentence_of_every_type_can_be_written(name: str) -> None:
    kind = next(kind for kind in What.__subclasses__() if kind.type.name == name)
    values = dict.fromkeys(kind.__dataclass_fields__, "a value")
    people = {part: f"a {part}" for part in ("actor", "target", "subject", "room")}

    sentence = kind.type.sentence.format(**people, **values)

    assert sentence.endswith(".")
    assert "{" not in sentence
    assert sentence[0].isupper() or sentence.startswith(("a actor", "a target"))


def test_there_are_types_of_every_app_that_acts() -> None:
    subjects = {name.partition(".")[0] for name in REGISTRY}

    assert subjects >= {"organisation", "member", "policy", "device", "key_bundle", "access"}
    assert all(name == name.lower() and name.count(".") == 1 for name in REGISTRY)
