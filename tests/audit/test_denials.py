"""Refusals: each is counted at once, a flood of them is one event a minute, none is lost."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from threading import Event as Signal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from audit.events.denials import AccessDenied
from audit.models import Denial as DenialRow
from audit.models import Event, Pending, PlatformDenial, PlatformEvent, PlatformPending
from audit.services.denials import (
    Denial,
    count_denials,
    settle_denials,
    settle_platform_denials,
)
from audit.services.recording import Ref
from audit.tasks import settle_denials as settle_task
from audit.tasks import settle_platform_denials as settle_platform_task
from keys.events import ClaimLimited, DeviceAuthenticationFailed
from orgs.models import Organisation
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.at_once import at_once
from tests.cast import Phone
from tests.locks import wait_until_somebody_waits

MINUTE = timedelta(minutes=1)

BOB = Actor(kind=ActorKind.DEVICE, id=UUID(int=1), label="Bob, Phone", address="192.0.2.1")
CAROL = Actor(kind=ActorKind.DEVICE, id=UUID(int=2), label="Carol, Phone", address="192.0.2.2")
STRANGER = Actor(kind=ActorKind.ANONYMOUS, address="198.51.100.7")
DOOR = Ref(kind="device", id=UUID(int=10), label="Door")
GATE = Ref(kind="device", id=UUID(int=11), label="Gate")


@pytest.fixture(autouse=True)
def half_past_the_minute() -> Iterator[None]:
    """So that no test falls on the edge of two minutes."""
    with clock.moved_by(timedelta(seconds=30 - clock.now().second)):
        yield


def refuse(
    organisation: Organisation | None,
    actor: Actor = BOB,
    *,
    target: Ref | None = DOOR,
    what: Any = None,
    times: int = 1,
) -> None:
    what = what or AccessDenied(act="door.open", reason="not_found")
    with ExitStack() as entered:
        entered.enter_context(acting_as(actor))
        if organisation is not None:
            entered.enter_context(organisation_scope(organisation.id))
        for _ in range(times):
            count_denials([Denial(what, target)])


def settle(organisation: Organisation, *, after: timedelta = MINUTE) -> int:
    with clock.moved_by(after), acting_as(SYSTEM), organisation_scope(organisation.id):
        return settle_denials()


def counted(organisation: Organisation) -> list[DenialRow]:
    with organisation_scope(organisation.id):
        return list(DenialRow.objects.order_by("id"))


def denied(organisation: Organisation) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """`who` and `what` of the settled refusals."""
    with organisation_scope(organisation.id):
        rows = list(Event.objects.order_by("id"))
    read = [(json.loads(bytes(row.who or b"")), json.loads(bytes(row.what or b""))) for row in rows]
    return [(who, what) for who, what in read if what["outcome"] == "denied"]


def test_refusals_of_one_minute_are_one_row_with_a_count(acme: Organisation) -> None:
    refuse(acme, times=5)
    (row,) = counted(acme)

    assert row.count == 5
    assert row.type == "access.denied"
    assert row.minute == row.first_at.replace(second=0, microsecond=0)
    assert row.first_at <= row.last_at


def test_another_actor_type_target_or_minute_is_another_row(acme: Organisation) -> None:
    refuse(acme, times=2)
    refuse(acme, CAROL)
    refuse(acme, target=GATE)
    refuse(acme, target=None)
    refuse(acme, what=ClaimLimited(limit=24))
    with clock.moved_by(MINUTE):
        refuse(acme)

    assert [row.count for row in counted(acme)] == [2, 1, 1, 1, 1, 1]


def test_strangers_are_told_apart_by_address(acme: Organisation) -> None:
    refuse(acme, STRANGER, times=2)
    refuse(acme, Actor(kind=ActorKind.ANONYMOUS, address="198.51.100.8"))

    assert [row.count for row in counted(acme)] == [2, 1]


def test_the_same_actor_in_two_organisations_is_two_rows(
    acme: Organisation, globex: Organisation
) -> None:
    refuse(acme)
    refuse(globex)

    assert len(counted(acme)) == len(counted(globex)) == 1


def test_a_minute_settles_to_one_event_with_the_attempts(acme: Organisation) -> None:
    refuse(acme, times=3)
    (row,) = counted(acme)

    assert settle(acme) == 1

    ((who, what),) = denied(acme)
    assert counted(acme) == []
    assert what["type"] == "access.denied"
    assert what["data"] == {"act": "door.open", "reason": "not_found"}
    assert what["time"] == clock.rfc3339(row.first_at)
    assert what["attempts"] == {
        "count": 3,
        "first_at": clock.rfc3339(row.first_at),
        "last_at": clock.rfc3339(row.last_at),
    }
    assert who["actor"]["label"] == "Bob, Phone"
    assert who["target"] == {"kind": "device", "id": str(DOOR.id), "label": "Door"}
    assert who["address"] == "192.0.2.1"


def test_a_settled_refusal_is_in_the_outbox(acme: Organisation) -> None:
    refuse(acme)
    settle(acme)
    _, what = denied(acme)[0]

    with organisation_scope(acme.id):
        assert Pending.objects.filter(event_id=what["id"]).count() == 1


def test_a_minute_that_still_runs_is_left_alone(acme: Organisation) -> None:
    refuse(acme)

    assert settle(acme, after=timedelta(0)) == 0
    assert len(counted(acme)) == 1


def test_settling_twice_makes_no_second_event(acme: Organisation) -> None:
    refuse(acme, times=2)

    assert [settle(acme), settle(acme)] == [1, 0]
    assert len(denied(acme)) == 1


def test_settling_one_organisation_leaves_the_others(
    acme: Organisation, globex: Organisation
) -> None:
    refuse(acme)
    refuse(globex)

    assert settle(acme) == 1
    assert (len(denied(acme)), len(denied(globex))) == (1, 0)
    assert len(counted(globex)) == 1


def test_the_task_settles_every_organisation(acme: Organisation, globex: Organisation) -> None:
    refuse(acme)
    refuse(globex)
    with clock.moved_by(MINUTE):
        assert settle_task() == 2

    assert len(denied(acme)) == len(denied(globex)) == 1


def test_refusals_outside_any_organisation_go_to_the_platforms_log(acme: Organisation) -> None:
    refuse(None, STRANGER, what=DeviceAuthenticationFailed(reason="signature_invalid"), times=4)

    assert counted(acme) == []
    assert PlatformDenial.objects.get().count == 4
    with clock.moved_by(MINUTE):
        assert settle_platform_task() == 1
    row = PlatformEvent.objects.order_by("-id")[0]
    what = json.loads(bytes(row.what or b""))
    assert what["type"] == "device.authentication_failed"
    assert what["attempts"]["count"] == 4
    assert PlatformPending.objects.filter(event_id=row.id).count() == 1
    assert not PlatformDenial.objects.exists()
    assert denied(acme) == []


def test_a_refusal_aimed_at_an_organisation_lands_there_without_a_scope(
    acme: Organisation,
) -> None:
    what = DeviceAuthenticationFailed(reason="signature_invalid")
    with acting_as(STRANGER):
        count_denials([Denial(what, DOOR, acme.id)])

    assert not PlatformDenial.objects.exists()
    assert [row.count for row in counted(acme)] == [1]


def test_a_scope_wins_over_the_organisation_that_was_aimed_at(
    acme: Organisation, globex: Organisation
) -> None:
    what = DeviceAuthenticationFailed(reason="signature_invalid")
    with acting_as(BOB), organisation_scope(acme.id):
        count_denials([Denial(what, DOOR, globex.id)])

    assert len(counted(acme)) == 1
    assert counted(globex) == []


def test_a_wrong_signature_is_counted_for_the_device_it_claimed_to_be(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    impostor = Phone(device=alice_phone.device, keys=bob_phone.keys)
    for _ in range(2):
        with pytest.raises(ApiProblem, match="signature_invalid"):
            impostor.api.token()

    (row,) = counted(acme)
    assert (row.type, row.count) == ("device.authentication_failed", 2)
    assert row.who["target"]["id"] == str(alice_phone.id)
    assert row.who["actor"] == {"kind": "anonymous", "id": None, "label": "", "member": None}
    assert row.who["address"] == "127.0.0.1"


def test_an_unknown_device_is_counted_in_the_platforms_log(
    acme: Organisation, alice_phone: Phone
) -> None:
    nobody = Phone(device=alice_phone.device, keys=alice_phone.keys)
    nobody.api.device_id = uuid4()
    with pytest.raises(ApiProblem, match="signature_invalid"):
        nobody.api.token()

    assert counted(acme) == []
    assert PlatformDenial.objects.get().type == "device.authentication_failed"


def test_a_claim_of_another_organisations_device_is_counted_and_names_nobody(
    acme: Organisation, globex: Organisation, bob_phone: Phone, charlie_phone: Phone
) -> None:
    with pytest.raises(ApiProblem, match="404"):
        bob_phone.api.claim(charlie_phone.id)

    (row,) = counted(acme)
    assert (row.type, row.count) == ("access.denied", 1)
    assert row.who["target"] == {"kind": "unknown", "id": str(charlie_phone.id), "label": ""}
    assert row.who["actor"]["id"] == str(bob_phone.id)
    assert counted(globex) == []


def test_each_refusal_of_a_bulk_claim_is_counted(
    acme: Organisation, bob_phone: Phone, alice_phone: Phone
) -> None:
    results = bob_phone.api.claim_many([uuid4(), uuid4(), uuid4(), alice_phone.id])

    assert [("bundle" in result) for result in results] == [False, False, False, True]
    assert sum(row.count for row in counted(acme)) == 3


def test_who_tries_ids_at_random_fills_one_row_a_minute(
    acme: Organisation, bob_phone: Phone
) -> None:
    for _ in range(3):
        bob_phone.api.claim_many([uuid4() for _ in range(100)])

    assert [row.count for row in counted(acme)] == [300]
    assert settle(acme) == 1
    assert denied(acme)[0][1]["attempts"]["count"] == 300


def test_reaching_for_another_devices_bundle_is_counted(
    acme: Organisation, bob_phone: Phone, alice_phone: Phone
) -> None:
    """Every denied attempt at a change is an event (product.md, section 6), not only a claim."""
    body = {"identity_key": "AAAA"}
    bob_phone.api.token()
    for method, path in (
        ("PUT", f"key-bundles/{alice_phone.id}"),
        ("DELETE", f"key-bundles/{alice_phone.id}/one-time-pre-keys"),
        ("DELETE", f"devices/{alice_phone.id}"),
    ):
        before = sum(row.count for row in counted(acme))
        with pytest.raises(ApiProblem, match="404"):
            bob_phone.api._send(method, path, body if method == "PUT" else None)
        assert sum(row.count for row in counted(acme)) == before + 1, (method, path)


def test_a_refusal_is_counted_though_its_act_rolled_back(committed: None) -> None:
    acme, globex = cast.organisation("Acme"), cast.organisation("Globex")
    bob = cast.phone(cast.member(acme, "Bob"))
    charlie = cast.phone(cast.member(globex, "Charlie"))
    with pytest.raises(ApiProblem, match="404"):
        bob.api.claim(charlie.id)

    assert [row.count for row in counted(acme)] == [1]


def test_many_refusals_at_once_are_all_counted(committed: None) -> None:
    acme = cast.organisation("Acme")

    outcomes = at_once(*[lambda: refuse(acme, times=10)] * 8)

    assert outcomes == [None] * 8
    assert [row.count for row in counted(acme)] == [80]


def test_two_bulk_refusals_in_opposite_orders_do_not_deadlock(committed: None) -> None:
    acme = cast.organisation("Acme")
    doors = [Ref(kind="device", id=uuid4()) for _ in range(40)]
    what = AccessDenied(act="door.open", reason="not_found")

    def count(order: list[Ref]) -> None:
        with acting_as(BOB), organisation_scope(acme.id):
            count_denials([Denial(what, door) for door in order])

    outcomes = at_once(*[lambda: count(doors), lambda: count(doors[::-1])] * 4)

    assert outcomes == [None] * 8
    assert [row.count for row in counted(acme)] == [8] * 40


def test_two_settlers_at_once_make_no_duplicates(committed: None) -> None:
    acme = cast.organisation("Acme")
    for n in range(60):
        refuse(acme, target=Ref(kind="device", id=UUID(int=n)), times=1 + n % 3)
    with clock.moved_by(MINUTE):

        def one() -> int:
            with acting_as(SYSTEM), organisation_scope(acme.id):
                return settle_denials()

        taken = at_once(one, one, one, one)

    assert sum(taken) == 60
    targets = Counter(who["target"]["id"] for who, _ in denied(acme))
    assert len(targets) == 60
    assert set(targets.values()) == {1}
    assert sum(what["attempts"]["count"] for _, what in denied(acme)) == 120
    assert counted(acme) == []


def test_a_second_settler_neither_waits_for_the_first_nor_takes_its_rows(committed: None) -> None:
    acme = cast.organisation("Acme")
    refuse(acme)
    settled, done = Signal(), Signal()

    def first() -> tuple[int, bool]:
        with transaction.atomic():
            taken = settle(acme)
            settled.set()
            return taken, done.wait(timeout=60)

    def second() -> int:
        assert settled.wait(timeout=60)
        try:
            return settle(acme)
        finally:
            done.set()

    assert at_once(first, second) == [(1, True), 0]
    assert len(denied(acme)) == 1


def test_a_refusal_that_meets_the_settler_is_counted_again(committed: None) -> None:
    """A late one, whose row is just being taken, makes a row and an event of its own."""
    acme = cast.organisation("Acme")
    refuse(acme, times=2)
    settled, ended = Signal(), Signal()

    def settler() -> int:
        with transaction.atomic():
            taken = settle(acme)
            settled.set()
            # The late refusal, for the row's lock.
            wait_until_somebody_waits(or_ended=ended.is_set)
        return taken

    def late() -> None:
        assert settled.wait(timeout=60)
        try:
            refuse(acme)
        finally:
            ended.set()

    assert at_once(settler, late) == [1, None]
    assert settle(acme) == 1
    assert sum(what["attempts"]["count"] for _, what in denied(acme)) == 3


def test_a_settler_that_is_killed_loses_nothing(committed: None) -> None:
    acme = cast.organisation("Acme")
    refuse(acme, times=3)
    ready, killed = Signal(), Signal()
    pid = 0

    def settler() -> None:
        nonlocal pid
        with transaction.atomic():
            settle(acme)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            ready.set()
            killed.wait(timeout=120)

    def killer() -> None:
        assert ready.wait(timeout=60)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])
        killed.set()

    died, _ = at_once(settler, killer)

    assert isinstance(died, DatabaseError)
    assert denied(acme) == []
    assert [row.count for row in counted(acme)] == [3]
    assert settle(acme) == 1
    assert [what["attempts"]["count"] for _, what in denied(acme)] == [3]


def test_a_settler_that_fails_half_way_loses_nothing(acme: Organisation) -> None:
    """No event, no deletion: a type that this version no longer knows stays counted."""
    refuse(acme)
    with organisation_scope(acme.id):
        DenialRow.objects.update(type="door.forgotten")
    with pytest.raises(KeyError), transaction.atomic():
        settle(acme)

    assert len(counted(acme)) == 1
    assert denied(acme) == []


def test_two_platform_settlers_make_no_duplicates(committed: None) -> None:
    for n in range(30):
        address = f"198.51.100.{n}"
        refuse(None, Actor(kind=ActorKind.ANONYMOUS, address=address), target=None)
    with clock.moved_by(MINUTE):

        def one() -> int:
            with acting_as(SYSTEM):
                return settle_platform_denials()

        assert sum(at_once(one, one, one)) == 30

    events = [json.loads(bytes(row.who or b"")) for row in PlatformEvent.objects.all()]
    assert Counter(who["address"] for who in events if who["address"]) == {
        f"198.51.100.{n}": 1 for n in range(30)
    }
