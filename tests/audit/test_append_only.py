"""The log's tables take rows and give none back, whoever asks (audit-log.md)."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import errors

from audit.models import Event, Pending, PlatformEvent, PlatformPending
from audit.services.recording import record_platform
from orgs.events.people import AccountCreated
from orgs.models import Organisation
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.published import publish

EVENTS = ("audit_event", "audit_platformevent")
PENDING = ("audit_pending", "audit_platformpending")


@pytest.fixture(autouse=True)
def some_events(request: pytest.FixtureRequest) -> None:
    if "committed" in request.fixturenames:
        return
    request.getfixturevalue("acme")
    request.getfixturevalue("globex")
    with acting_as(SYSTEM):
        record_platform(AccountCreated(account_id=uuid4()))
    with connection.cursor() as cursor:
        # A table with checks to come can't be truncated anyway, which would prove nothing.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def run(sql: str, *parameters: Any) -> int:
    """Rows that a statement touched, in a savepoint of its own."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def refused(sql: str, *parameters: Any) -> bool:
    """The database refused it for want of privilege, and for no other reason."""
    with pytest.raises(DatabaseError) as caught:
        run(sql, *parameters)
    return isinstance(caught.value.__cause__, errors.InsufficientPrivilege)


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


@pytest.fixture
def retention() -> Iterator[None]:
    """What the retention sweep says before it deletes."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'on'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'off'")


@pytest.mark.parametrize("table", EVENTS)
@pytest.mark.parametrize(
    "change",
    [
        "who = NULL, who_opening = NULL",
        "what = NULL, what_opening = NULL",
        "who = 'x'",
        "c_who = 'x'",
        "class = 4",
        "id = gen_random_uuid()",
        "id = id",
    ],
)
def test_an_event_cannot_be_changed(table: str, change: str) -> None:
    assert count(table)
    assert refused(f"UPDATE {table} SET {change}")


@pytest.mark.parametrize("table", PENDING)
@pytest.mark.parametrize("change", ["entry = entry", "event_id = gen_random_uuid()", "id = id + 1"])
def test_an_entry_cannot_be_changed(table: str, change: str) -> None:
    assert count(table)
    assert refused(f"UPDATE {table} SET {change}")


@pytest.mark.parametrize("table", EVENTS + PENDING)
def test_nothing_can_be_deleted(table: str) -> None:
    before = count(table)

    assert before
    assert refused(f"DELETE FROM {table}")
    assert refused(f"TRUNCATE {table}")
    assert refused(f"TRUNCATE {table} CASCADE")
    assert count(table) == before


def test_the_orm_is_refused_like_anybody(acme: Organisation) -> None:
    with organisation_scope(acme.id):
        row, entry = Event.objects.first(), Pending.objects.first()
        assert row is not None
        assert entry is not None
        row.who = None
        for attempt in (
            row.save,
            row.delete,
            entry.save,
            entry.delete,
            Event.objects.all().delete,
            Pending.objects.all().delete,
            PlatformEvent.objects.all().delete,
            PlatformPending.objects.all().delete,
            lambda: Event.objects.update(event_class=6),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                attempt()


def test_an_upsert_is_refused_too() -> None:
    assert refused(
        "INSERT INTO audit_platformevent SELECT * FROM audit_platformevent"
        " ON CONFLICT (id) DO UPDATE SET c_who = 'x'"
    )


def test_an_entry_of_another_length_is_refused() -> None:
    for entry in (b"", b"\x01" * 33, b"\x01" * 35):
        with pytest.raises(DatabaseError) as caught:
            run(
                "INSERT INTO audit_platformpending (event_id, entry) VALUES (%s, %s)",
                uuid4(),
                entry,
            )
        assert isinstance(caught.value.__cause__, errors.CheckViolation)


@pytest.mark.parametrize("table", EVENTS)
@pytest.mark.parametrize("part", ["who", "what"])
def test_retention_may_forget_a_part(table: str, part: str, retention: None) -> None:
    touched = run(f"UPDATE {table} SET {part} = NULL, {part}_opening = NULL")

    assert touched == count(table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {table} WHERE {part} IS NULL AND {part}_opening IS NULL"
            f" AND length(c_{part}) = 32"
        )
        assert cursor.fetchone() == (touched,)


@pytest.mark.parametrize("table", EVENTS)
def test_retention_may_delete_whole_events(table: str, retention: None) -> None:
    assert run(f"DELETE FROM {table}") > 0
    assert count(table) == 0


@pytest.mark.parametrize("table", EVENTS)
@pytest.mark.parametrize(
    "change",
    [
        "who = 'x'",
        "what = 'x'",
        "who_opening = 'x'",
        "what_opening = 'x'",
        "c_who = 'x'",
        "c_what = 'x'",
        "class = 4",
        "id = gen_random_uuid()",
        "who = NULL, who_opening = NULL, c_who = 'x'",
    ],
)
def test_retention_may_change_nothing_else(table: str, change: str, retention: None) -> None:
    assert refused(f"UPDATE {table} SET {change}")


def test_retention_may_not_move_an_event_to_another_organisation(
    globex: Organisation, retention: None
) -> None:
    assert refused("UPDATE audit_event SET organisation_id = %s", globex.id)


@pytest.mark.parametrize("table", EVENTS)
@pytest.mark.parametrize("part", ["who", "what"])
def test_retention_may_not_bring_a_part_back(table: str, part: str, retention: None) -> None:
    run(f"UPDATE {table} SET {part} = NULL, {part}_opening = NULL")

    assert refused(f"UPDATE {table} SET {part} = 'x', {part}_opening = 'y'")


@pytest.mark.parametrize("table", EVENTS)
@pytest.mark.parametrize("column", ["who", "who_opening", "what", "what_opening"])
def test_a_part_goes_with_its_opening(table: str, column: str, retention: None) -> None:
    """With the opening left behind, what was deleted could be guessed back from its commitment."""
    with pytest.raises(DatabaseError):
        run(f"UPDATE {table} SET {column} = NULL")


@pytest.mark.parametrize("table", PENDING)
def test_retention_has_no_say_over_entries(table: str, retention: None) -> None:
    assert refused(f"DELETE FROM {table}")
    assert refused(f"UPDATE {table} SET entry = entry")


@pytest.mark.parametrize("table", PENDING)
def test_the_sequencer_may_take_entries_and_change_none(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.sequencing = 'on'")

    assert refused(f"UPDATE {table} SET entry = entry")
    assert refused(f"TRUNCATE {table}")
    assert run(f"DELETE FROM {table}") > 0
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.sequencing = 'off'")


@pytest.mark.parametrize("table", EVENTS)
def test_the_sequencer_has_no_say_over_events(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.sequencing = 'on'")

    assert refused(f"DELETE FROM {table}")
    assert refused(f"UPDATE {table} SET who = NULL")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.sequencing = 'off'")


def test_the_permission_ends_with_its_transaction(committed: None) -> None:
    cast.organisation("Acme")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'on'")
        cursor.execute("UPDATE audit_event SET who = NULL, who_opening = NULL")

    assert refused("UPDATE audit_event SET what = NULL, what_opening = NULL")
    assert refused("DELETE FROM audit_event")


def test_what_retention_leaves_still_proves_the_rest(acme: Organisation, retention: None) -> None:
    run("UPDATE audit_event SET who = NULL, who_opening = NULL")
    with organisation_scope(acme.id):
        rows = list(Event.objects.all())

    assert rows
    for row in rows:
        assert json.loads(bytes(row.what or b""))["id"] == str(row.id)
        assert len(bytes(row.c_who)) == 32


LOG = {
    "audit_entry": "entry = entry",
    "audit_checkpoint": "note = note",
    "audit_tile": "hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)",
    "audit_head": "size = size - 1",
    "audit_event_index": "type = type",
}
"""The tables of a log, and a change of each that nobody may make."""


@pytest.fixture
def signed(acme: Organisation) -> None:
    publish(acme)
    publish(None)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("table", LOG)
def test_what_is_in_a_log_stays_as_it_is(signed: None, table: str) -> None:
    for name in (table, table.replace("audit_", "audit_platform")):
        if name == "audit_platformevent_index":
            continue
        before = count(name)
        assert before
        assert refused(f"UPDATE {name} SET {LOG[table]}")
        assert refused(f"DELETE FROM {name}")
        assert refused(f"TRUNCATE {name}")
        assert refused(f"TRUNCATE {name} CASCADE")
        assert count(name) == before


@pytest.mark.parametrize("setting", ["semafore.sequencing", "semafore.retention"])
@pytest.mark.parametrize("table", ["audit_entry", "audit_checkpoint", "audit_tile", "audit_head"])
def test_neither_sequencer_nor_retention_has_a_say_over_what_was_signed(
    signed: None, table: str, setting: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [setting])

    assert refused(f"UPDATE {table} SET {LOG[table]}")
    assert refused(f"DELETE FROM {table}")
    assert refused(f"TRUNCATE {table}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'off', true)", [setting])


@pytest.mark.parametrize(
    "change",
    [
        "hashes = substr(hashes, 1, 32)",
        "hashes = hashes || '\\x00'::bytea, index = index + 1",
        "level = level + 1",
    ],
)
def test_a_tile_grows_at_its_end_alone(signed: None, change: str) -> None:
    assert run("UPDATE audit_tile SET hashes = hashes || substr(hashes, 1, 32)") == 1
    assert refused(f"UPDATE audit_tile SET {change}")


def test_a_heads_origin_never_goes_back(signed: None) -> None:
    assert refused("UPDATE audit_head SET origin_number = 0")
    assert run("UPDATE audit_head SET origin_number = 2") == 1
    assert refused("UPDATE audit_head SET origin_number = 1")
