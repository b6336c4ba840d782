"""A database that went back, a file that is lost: the log stops, says so, and can go on."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from pytest_django import Settings

from audit.log_process import LogProcess
from audit.logs import PLATFORM_LOG, Log, log_of
from audit.models import Entry, Event, Head
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.integrity import verify_log
from audit.selectors.log_keys import checkpoint_vkeys
from audit.selectors.tree import tree_head
from audit.services.recording import record_platform
from audit.services.recovery import NothingToDoError, adopt, start_origin
from audit.services.sequencer import sequence
from audit.services.signer import Refusal, RefusedError, check
from audit.state import FILE, SignerState
from audit.verifier import open_note
from orgs.events.people import AccountCreated
from orgs.models import Organisation
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import inside
from tests.messaging import talk


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.LOG_STATE_DIR = str(tmp_path / "log")
    return tmp_path / "log"


@pytest.fixture
def acme(committed: None) -> Organisation:
    return cast.organisation("Acme")


@contextmanager
def signing(folder: Path) -> Iterator[SignerState]:
    with SignerState(folder) as state:
        yield state


def drain(folder: Path) -> bool:
    with signing(folder) as state:
        return LogProcess(state).drain()


def command(*words: str) -> str:
    said = io.StringIO()
    call_command("audit_log", *words, stdout=said)
    return said.getvalue()


def halted(of: Organisation) -> str:
    with inside(of):
        return Head.objects.get().halted_reason


def refusal(log: Log, folder: Path) -> Refusal:
    with signing(folder) as state, pytest.raises(RefusedError) as caught:
        check(log, tree_head(log), state)
    return caught.value.refusal


class Backups:
    """Copies of the test database, as a dump and its restoration would make them."""

    def __init__(self) -> None:
        self.name = str(connection.settings_dict["NAME"])
        self.backup = f"{self.name}_backup"

    def _administer(self, *statements: str) -> None:
        connections.close_all()
        connection.close_pool()  # type: ignore[attr-defined]
        with connection._nodb_cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def take(self) -> None:
        self._administer(f'CREATE DATABASE "{self.backup}" TEMPLATE "{self.name}"')

    def restore(self) -> None:
        self._administer(
            f'DROP DATABASE "{self.name}" WITH (FORCE)',
            f'CREATE DATABASE "{self.name}" TEMPLATE "{self.backup}"',
        )

    def drop(self) -> None:
        self._administer(f'DROP DATABASE IF EXISTS "{self.backup}"')


@pytest.fixture
def backups(committed: None) -> Iterator[Backups]:
    made = Backups()
    yield made
    made.drop()


def test_a_restored_database_is_noticed_and_goes_on_under_a_new_name(
    acme: Organisation, folder: Path, backups: Backups
) -> None:
    log = log_of(acme.id)
    alice, bob = cast.member(acme, "Alice"), cast.member(acme, "Bob")
    phone, other = cast.phone(alice), cast.phone(bob)
    room = talk.group(acme, alice, bob)
    assert drain(folder)
    backups.take()
    early = latest_checkpoint(log)
    phone.api.send_message(room.id, talk.message([other]))
    assert drain(folder)
    lost = latest_checkpoint(log)
    assert early is not None
    assert lost is not None
    assert lost.size > early.size

    backups.restore()

    # Restored, and halted: devices wait, and nothing gets a place.
    assert not drain(folder)
    assert halted(acme) == "database_behind"
    assert refusal(log, folder) == Refusal.DATABASE_BEHIND
    with pytest.raises(ApiProblem, match="restored"):
        phone.api.send_message(room.id, talk.message([other]))
    cast.member(acme, "Eve")
    assert not drain(folder)
    assert tree_head(log).size == early.size
    with pytest.raises(CommandError, match="halted"):
        command("status")

    said = command("new-origin", "--organisation", acme.slug, "--reason", "restored from Monday")

    assert f"/log/{log.log_id}/2" in said
    assert halted(acme) == ""
    assert drain(folder)
    signed = latest_checkpoint(log)
    assert signed is not None
    assert signed.origin.endswith(f"/log/{log.log_id}/2")
    with inside(acme):
        first = Entry.objects.get(seq=early.size)
        data = json.loads(bytes(Event.objects.get(id=first.event_id).what or b""))["data"]
    assert data | {"previous_root": ""} == {
        "origin": signed.origin,
        "previous_origin": early.origin,
        "previous_size": lost.size,
        "previous_root": "",
        "lost_from": early.size,
        "lost_to": lost.size,
        "reason": "restored from Monday",
    }
    assert open_note(signed.note, checkpoint_vkeys(log)[-1:])
    assert verify_log(log).fault is None
    assert verify_log(log).checkpoints >= 2
    assert types(acme, early.size)[:3] == [
        "log.origin_started",
        "log.key_announced",
        "log.key_retired",
    ]
    assert {"member.admitted", "log.halted"} <= set(types(acme, early.size))


def types(of: Organisation, start: int) -> list[str]:
    """What the entries say from there on."""
    with inside(of):
        ids = list(Entry.objects.filter(seq__gte=start).order_by("seq").values_list("event_id"))
        events: dict[Any, Any] = {
            event.id: json.loads(bytes(event.what or b""))["type"] for event in Event.objects.all()
        }
    return [events[event_id] for (event_id,) in ids]


def test_a_lost_file_is_noticed_and_the_newest_checkpoint_adopted(
    acme: Organisation, folder: Path
) -> None:
    log = log_of(acme.id)
    assert drain(folder)
    before = latest_checkpoint(log)
    assert before is not None
    (folder / FILE).unlink()
    assert not drain(folder)
    assert halted(acme) == "state_missing"

    said = command("adopt", "--organisation", acme.slug, "--reason", "the disk broke")

    assert str(before.size) in said
    assert halted(acme) == ""
    assert drain(folder)
    (event,) = [what for what in whats(acme) if what["type"] == "log.adopted"]
    assert event["data"]["size"] == before.size
    assert event["data"]["reason"] == "the disk broke"
    assert verify_log(log).fault is None


def whats(of: Organisation) -> list[dict[str, Any]]:
    with inside(of):
        return [json.loads(bytes(event.what or b"")) for event in Event.objects.all()]


def test_nothing_is_adopted_where_nothing_is_lost(acme: Organisation, folder: Path) -> None:
    assert drain(folder)

    for action in ("adopt", "new-origin"):
        with pytest.raises(CommandError, match=r"already|nothing is lost"):
            command(action, "--organisation", acme.slug, "--reason", "why not")

    assert tree_head(log_of(acme.id)).origin_number == 1


def test_a_tree_that_was_rewritten_is_not_adopted(acme: Organisation, folder: Path) -> None:
    log = log_of(acme.id)
    assert drain(folder)
    (folder / FILE).unlink()
    rewrite_first_leaf()

    with signing(folder) as state, pytest.raises(NothingToDoError, match="not the one"):
        adopt(log=log, state=state, reason="x")


def rewrite_first_leaf() -> None:
    """What somebody may do who owns the database: the log's own triggers are lifted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE audit_tile DISABLE TRIGGER USER;"
            "UPDATE audit_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)"
            " WHERE level = 0 AND index = 0;"
            "ALTER TABLE audit_tile ENABLE TRIGGER USER"
        )


def test_a_fork_keeps_what_its_checkpoints_still_show(acme: Organisation, folder: Path) -> None:
    log = log_of(acme.id)
    assert drain(folder)
    kept = tree_head(log).size
    for name in ("Alice", "Bob"):
        cast.member(acme, name)
        assert drain(folder)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE audit_tile DISABLE TRIGGER USER;"
            "UPDATE audit_tile SET hashes ="
            f" set_byte(hashes, {kept * 32}, get_byte(hashes, {kept * 32}) # 1);"
            "ALTER TABLE audit_tile ENABLE TRIGGER USER"
        )
    cast.member(acme, "Eve")
    assert not drain(folder)
    assert halted(acme) == "fork"

    with signing(folder) as state:
        start_origin(log=log, state=state, reason="the table was edited")

    (event,) = [what for what in whats(acme) if what["type"] == "log.origin_started"]
    assert event["data"]["lost_from"] == kept
    assert event["data"]["lost_to"] == event["data"]["previous_size"]


def test_an_interrupted_new_origin_is_finished_by_the_next(
    acme: Organisation, folder: Path
) -> None:
    log = log_of(acme.id)
    assert drain(folder)
    with signing(folder) as state:
        last = state.last(log.log_id)
        assert last is not None
        ahead = type(last.head)(99, last.head.origin, b"x" * 32, "n", last.head.signed_at)
        state.remember(log.log_id, ahead)
        start_origin(log=log, state=state, reason="restored")
        # The database has it, the file doesn't: killed in between.
        state.remember(log.log_id, ahead)
    cast.member(acme, "Alice")
    assert not drain(folder)

    with signing(folder) as state:
        start_origin(log=log, state=state, reason="restored")

    assert drain(folder)
    assert tree_head(log).origin_number == 2
    assert len([what for what in whats(acme) if what["type"] == "log.origin_started"]) == 1


def test_the_platforms_own_log_is_recovered_too(acme: Organisation, folder: Path) -> None:
    with acting_as(SYSTEM), transaction.atomic():
        record_platform(AccountCreated(account_id=uuid4()))
    assert drain(folder)
    (folder / FILE).unlink()
    assert latest_checkpoint(PLATFORM_LOG) is not None
    assert not drain(folder)

    command("adopt", "--all", "--reason", "the disk broke")

    assert drain(folder)
    assert verify_log(PLATFORM_LOG).fault is None
    assert sequence(PLATFORM_LOG) == 0
