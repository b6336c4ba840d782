"""`audit_log verify` computes a log anew from its events up, and names what is wrong first."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit.log_process import LogProcess
from audit.logs import PLATFORM_LOG, Log, log_of
from audit.models import Entry
from audit.registry import EventClass, EventType, OcsfClass, Severity
from audit.selectors.integrity import FaultError, verify_log
from audit.selectors.sweeps import Sweeps
from audit.selectors.tree import tree_head
from audit.services.recording import Fact, event_parts, record_many, record_platform, write
from audit.state import SignerState
from orgs.events.people import AccountCreated, OrganisationCreated
from orgs.models import Organisation
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from tests import cast
from tests.cast import inside


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SignerState]:
    with SignerState(tmp_path) as opened:
        yield opened


@pytest.fixture
def log(acme: Organisation, state: SignerState) -> Log:
    """Over a tile of entries, a checkpoint on the way, a few events of people."""
    cast.phone(cast.member(acme, "Alice"))
    assert LogProcess(state).drain()
    with inside(acme), transaction.atomic():
        record_many([Fact(OrganisationCreated(name="x", slug="x"))] * 260)
    assert LogProcess(state).drain()
    assert tree_head(log_of(acme.id)).size > 256
    return log_of(acme.id)


def tamper(statement: str) -> None:
    """As somebody who owns the database."""
    table = statement.split()[2 if statement.startswith("DELETE") else 1]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        assert cursor.rowcount == 1
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def fault(log: Log) -> FaultError:
    found = verify_log(log).fault
    assert found is not None
    return found


def test_all_is_well(log: Log) -> None:
    found = verify_log(log)

    assert found.fault is None
    assert (found.entries, found.checkpoints) == (tree_head(log).size, 2)


FLIPPED = "set_byte({0}, 5, get_byte({0}, 5) # 1)"
EVENT_OF_7 = "WHERE id = (SELECT event_id FROM audit_entry WHERE seq = 7)"
OTHER_ENTRY = (
    f"UPDATE audit_entry SET entry = {FLIPPED.format('entry')},"
    f" leaf = sha256('\\x00'::bytea || {FLIPPED.format('entry')}) WHERE seq = 7"
)
OTHER_TILE = f"UPDATE audit_tile SET hashes = {FLIPPED.format('hashes')}"


@pytest.mark.parametrize(
    ("statement", "seq", "field"),
    [
        (f"UPDATE audit_entry SET leaf = {FLIPPED.format('leaf')} WHERE seq = 7", 7, "leaf"),
        (f"UPDATE audit_entry SET entry = {FLIPPED.format('entry')} WHERE seq = 7", 7, "leaf"),
        (
            OTHER_ENTRY,
            7,
            "entry",
        ),
        ("DELETE FROM audit_entry WHERE seq = 7", 7, "seq"),
        (f"UPDATE audit_event SET who = {FLIPPED.format('who')} {EVENT_OF_7}", 7, "who"),
        (f"UPDATE audit_event SET what = {FLIPPED.format('what')} {EVENT_OF_7}", 7, "what"),
        (
            f"UPDATE audit_event SET what_opening = {FLIPPED.format('what_opening')} {EVENT_OF_7}",
            7,
            "what",
        ),
        (f"UPDATE audit_event SET c_who = {FLIPPED.format('c_who')} {EVENT_OF_7}", 7, "entry"),
        (f"UPDATE audit_event SET class = class + 1 {EVENT_OF_7}", 7, "class"),
        (f"UPDATE audit_event SET who = NULL, who_opening = NULL {EVENT_OF_7}", 7, "who"),
        (f"DELETE FROM audit_event {EVENT_OF_7}", 7, "who"),
        (
            f"{OTHER_TILE} WHERE level = 0 AND index = 0",
            0,
            "tile",
        ),
        (
            f"{OTHER_TILE} WHERE level = 0 AND index = 1",
            256,
            "tile",
        ),
        (
            f"{OTHER_TILE} WHERE level = 1",
            0,
            "tile",
        ),
        ("UPDATE audit_tile SET index = 9 WHERE level = 1", 0, "tile"),
    ],
)
def test_what_is_wrong_is_named(log: Log, statement: str, seq: int, field: str) -> None:
    tamper(statement)

    found = fault(log)

    assert (found.seq, found.field) == (seq, field)


def test_what_stands_beyond_the_end_is_named(log: Log) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_tile SELECT organisation_id, 0, 2, hashes FROM audit_tile"
            " WHERE level = 0 AND index = 0"
        )

    assert fault(log).field == "tile"


@pytest.mark.parametrize("column", ["root", "size"])
def test_a_head_that_says_something_else(log: Log, column: str) -> None:
    new = {"root": FLIPPED.format("root"), "size": "size + 1"}[column]
    size = tree_head(log).size
    tamper(f"UPDATE audit_head SET {column} = {new}")

    found = fault(log)

    assert (found.seq, found.field) == (size, "head")


@pytest.mark.parametrize(
    "change",
    [
        f"root = {FLIPPED.format('root')}",
        "note = replace(note, E'\\n\\n', E'x\\n\\n')",
        "note = split_part(note, E'\\n\\n', 1) || E'\\n\\n'",
        "origin = origin || '/2'",
        "size = size + 1000",
        "size = size - 1",
    ],
)
def test_a_checkpoint_that_does_not_hold(log: Log, change: str) -> None:
    tamper(
        f"UPDATE audit_checkpoint SET {change}"
        " WHERE size = (SELECT min(size) FROM audit_checkpoint)"
    )

    assert fault(log).field == "checkpoint"


def test_a_key_that_was_never_announced_signs_nothing(log: Log, acme: Organisation) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_announcedkey")

    assert "none of the known keys" in str(fault(log))


def sweep(acme: Organisation, state: SignerState, swept: list[dict[str, Any]]) -> None:
    """A record as retention writes it."""
    kind = EventType(
        name="retention.swept",
        event_class=EventClass.RETENTION,
        severity=Severity.INFORMATIONAL,
        sentence="",
        ocsf_class=OcsfClass.ENTITY_MANAGEMENT,
    )
    data = {"version": 1, "swept": swept, "rows": {}}
    with inside(acme), transaction.atomic():
        write([event_parts(kind, {}, data, outcome="success", at=clock.now())], acme.id)
    assert LogProcess(state).drain()


def test_a_gap_is_none_where_retention_accounts_for_it(
    log: Log, acme: Organisation, state: SignerState
) -> None:
    with inside(acme):
        entry = Entry.objects.get(seq=7)
    of = {"class": bytes(entry.entry)[1], "first": 5, "last": 9, "digest": ""}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'on'")
        cursor.execute("DELETE FROM audit_event WHERE id = %s", [entry.event_id])
        cursor.execute("DELETE FROM audit_event_index WHERE event_id = %s", [entry.event_id])
        cursor.execute("SET LOCAL semafore.retention = 'off'")
    assert (fault(log).seq, fault(log).field) == (7, "who")

    sweep(acme, state, [{**of, "part": "who", "count": 1}])
    assert (fault(log).seq, fault(log).field) == (7, "what")

    sweep(acme, state, [{**of, "part": "what", "count": 1}])
    assert verify_log(log).fault is None


def test_a_record_accounts_for_no_more_than_it_counted() -> None:
    sweeps = Sweeps()
    # The second range reaches further: what both hold is taken from the one that ends first.
    sweeps.add({"class": 2, "part": "who", "first": 0, "last": 4, "count": 2})
    sweeps.add({"class": 2, "part": "who", "first": 2, "last": 9, "count": 1})

    assert [sweeps.covers(seq, 2, "who") for seq in (1, 3, 4, 6)] == [True, True, True, False]
    assert not sweeps.covers(3, 2, "what")
    assert not sweeps.covers(3, 1, "who")


def test_the_command_names_logs_and_fails_when_one_is_wrong(log: Log, acme: Organisation) -> None:
    with acting_as(SYSTEM):
        record_platform(AccountCreated(account_id=uuid4()))
    said = io.StringIO()
    call_command("audit_log", "verify", "--organisation", acme.slug, stdout=said)
    assert f"{acme.slug}: {tree_head(log).size} entries and 2 checkpoints hold" in said.getvalue()

    tamper(f"UPDATE audit_event SET who = {FLIPPED.format('who')} {EVENT_OF_7}")
    said = io.StringIO()
    with pytest.raises(CommandError, match="1 of the logs"):
        call_command("audit_log", "verify", "--all", stdout=said)

    assert f"{acme.slug}: WRONG, entry 7, who:" in said.getvalue()
    assert f"platform: {tree_head(PLATFORM_LOG).size} entries" in said.getvalue()
    assert verify_log(PLATFORM_LOG).fault is None


def test_what_an_event_says_of_itself_is_checked(log: Log) -> None:
    """Two events that changed places keep their commitments, and not their ids."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id FROM audit_entry WHERE seq = 7")
        one = cursor.fetchone()[0]
        cursor.execute("SELECT what FROM audit_event WHERE id = %s", [one])
        assert json.loads(bytes(cursor.fetchone()[0]))["id"] == str(one)
        cursor.execute("SELECT gen_random_uuid()")
        other = cursor.fetchone()[0]
    tamper(f"UPDATE audit_event SET id = '{other}' WHERE id = '{one}'")
    tamper(f"UPDATE audit_entry SET event_id = '{other}' WHERE seq = 7")

    assert (fault(log).seq, fault(log).field) == (7, "event_id")
