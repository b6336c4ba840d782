"""`manage.py audit_log` as a process of its own, with a database that goes away under it."""

import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from audit.logs import log_of
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.tree import tree_head
from orgs.models import Organisation
from semafore.kernel import clock
from semafore.kernel.logs import _Process, process_name
from semafore.local.servers import ROOT, environment
from tests import cast, migrated
from tests.realtime.processes import database_url

PATIENCE = 120.0


@contextmanager
def log_process(folder: Path, database: str) -> Iterator["subprocess.Popen[bytes]"]:
    env = environment(
        DATABASE_URL=database,
        # Nobody listens there: the log needs no Redis.
        REDIS_URL="redis://127.0.0.1:1/0",
        SECRET_KEY=django_settings.SECRET_KEY,
        LOG_STATE_DIR=str(folder / "log"),
        # As in Procfile.
        DATABASE_POOL_SIZE="0",
    )
    with (
        (folder / "output.txt").open("ab") as output,
        subprocess.Popen(
            [sys.executable, "manage.py", "audit_log", "run"],
            env=env,
            cwd=ROOT,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def becomes(true: Callable[[], bool], folder: Path) -> float:
    """Seconds until it is so."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE, (folder / "output.txt").read_text()
        time.sleep(0.02)
    return time.monotonic() - began


def test_events_stand_under_a_checkpoint_soon_and_a_signal_ends_it(
    committed: None, tmp_path: Path
) -> None:
    acme = cast.organisation("Acme")
    log = log_of(acme.id)

    def signed() -> bool:
        latest, head = latest_checkpoint(log), tree_head(log)
        return latest is not None and latest.size == head.size and not cast.events(acme)

    with log_process(tmp_path, database_url()) as process:
        becomes(signed, tmp_path)
        waits = []
        for name in ("Alice", "Bob", "Carol"):
            cast.member(acme, name)
            waits.append(becomes(signed, tmp_path))
        print([f"{wait:.2f} s" for wait in waits])  # noqa: T201 - for pytest -rP
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    assert (tmp_path / "output.txt").read_text() == ""


def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with migrated.cluster(tmp_path / "postgres", durable=False) as postgres:
        env = environment(DATABASE_URL=postgres.url, LOG_STATE_DIR=str(tmp_path / "log"))
        manage = [sys.executable, "manage.py"]

        def act(address: str) -> None:
            code = (
                "from orgs.services.accounts import create_operator;"
                "from semafore.kernel.actor import SYSTEM, acting_as\n"
                f"with acting_as(SYSTEM): create_operator(email='{address}', password='x' * 20)"
            )
            shell = [*manage, "shell", "--no-imports", "-c", code]
            subprocess.run(shell, env=env, cwd=ROOT, check=True)

        def size() -> int:
            with psycopg.connect(postgres.url) as own:
                row = own.execute("SELECT max(size) FROM audit_platformcheckpoint").fetchone()
            return row[0] or 0 if row else 0

        act("one@example.org")
        with log_process(tmp_path, postgres.url) as process:
            becomes(lambda: size() > 0, tmp_path)
            before = size()
            postgres.kill()
            becomes(lambda: "away" in (tmp_path / "output.txt").read_text(), tmp_path)
            postgres.start()
            act("two@example.org")
            becomes(lambda: size() > before, tmp_path)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=PATIENCE) == 0
    said = (tmp_path / "output.txt").read_text()
    assert said.count("is away, and waited for") == said.count("the database is back") == 1
    assert "Traceback" not in said


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    settings.LOG_STATE_DIR = str(tmp_path / "log")
    # `run` makes its process the log's for good; this one is for other tests afterwards.
    monkeypatch.setattr(_Process, "name", process_name())
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


def command(*words: str) -> str:
    said = io.StringIO()
    call_command("audit_log", *words, stdout=said)
    return said.getvalue()


def test_once_drains_and_ends(acme: Organisation, folder: Path) -> None:
    assert command("run", "--once") == ""

    latest = latest_checkpoint(log_of(acme.id))
    assert latest is not None
    assert latest.size == tree_head(log_of(acme.id)).size
    assert cast.events(acme) == []


def test_status_says_how_far_each_log_is(
    acme: Organisation, globex: Organisation, folder: Path
) -> None:
    command("run", "--once")
    cast.member(acme, "Alice")

    said = command("status")

    size = tree_head(log_of(acme.id)).size
    (line,) = [line for line in said.splitlines() if line.startswith(acme.slug[:32])]
    assert line.split()[1:3] == [str(size)] * 2
    assert line.endswith("ok")
    assert globex.slug in said
    assert "platform" in said
    with clock.moved_by(timedelta(seconds=61)), pytest.raises(CommandError, match="wait for"):
        command("status")


def test_a_halted_log_and_its_remedy_are_shown(
    acme: Organisation, folder: Path, settings: Settings
) -> None:
    command("run", "--once")
    settings.LOG_STATE_DIR = str(folder / "other")
    with pytest.raises(CommandError, match="was not brought up to date"):
        command("run", "--once")
    said = io.StringIO()

    with pytest.raises(CommandError):
        call_command("audit_log", "status", stdout=said)

    assert "HALTED: state_missing" in said.getvalue()
    assert "audit_log adopt" in said.getvalue()


def test_without_keys_it_does_not_start(db: None, folder: Path, settings: Settings) -> None:
    settings.CHECKPOINT_KEYS = []

    with pytest.raises(CommandError, match=r"CHECKPOINT_KEYS.*openssl rand -base64 32"):
        command("run", "--once")


def test_a_folder_that_cannot_be_written_is_named(
    db: None, folder: Path, settings: Settings
) -> None:
    (folder / "file").touch()
    settings.LOG_STATE_DIR = str(folder / "file")

    with pytest.raises(CommandError, match="LOG_STATE_DIR"):
        command("run", "--once")


def test_an_organisation_that_is_none(db: None, folder: Path) -> None:
    with pytest.raises(CommandError, match="No organisation is called nobody"):
        command("verify", "--organisation", "nobody")


def test_a_command_needs_to_know_which_log(db: None) -> None:
    for words in (["verify"], ["adopt", "--reason", "x"], ["new-origin", "--platform"]):
        with pytest.raises(CommandError, match="required"):
            command(*words)
