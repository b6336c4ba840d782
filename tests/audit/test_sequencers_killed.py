"""Log processes killed at any moment: every committed event once, in one tree that only grows."""

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from audit.log_process import DatabaseAwayError, LogProcess
from audit.logs import log_of
from audit.models import Checkpoint, Entry, Event, IndexedEvent, Pending
from audit.selectors.integrity import verify_log
from audit.selectors.tree import consistency_proof, tree_head
from audit.services.recording import Fact, record_many
from audit.state import SignerState
from audit.verifier import verify_consistency
from orgs.events.people import OrganisationCreated
from orgs.models import Organisation
from semafore.local.servers import ROOT, environment
from tests import cast
from tests.cast import inside
from tests.realtime.processes import database_url

LIVES = 100
"""Of two processes each."""
WRITERS = 2

if TYPE_CHECKING:
    from uuid import UUID


@pytest.fixture
def acme(committed: None) -> Organisation:
    return cast.organisation("Acme")


@pytest.fixture
def killer(acme: Organisation, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    env = environment(
        DATABASE_URL=database_url(),
        SECRET_KEY=settings.SECRET_KEY,
        DJANGO_SETTINGS_MODULE="semafore.settings",
        DATABASE_POOL_SIZE="0",
    )
    with subprocess.Popen(
        [sys.executable, "-m", "tests.audit.mortal", str(tmp_path / "log")],
        env=env,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


class Writers:
    """Record all the time, in transactions of which some roll back."""

    def __init__(self, acme: Organisation) -> None:
        self.acme = acme
        self.stop = threading.Event()
        self.committed: set[UUID] = set()
        self.rolled_back: set[UUID] = set()

    def work(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - the same each time
        with inside(self.acme):
            while not self.stop.is_set():
                ids: set[UUID] = set()
                fails = chance.random() < 0.3
                with suppress(ZeroDivisionError), transaction.atomic():
                    facts = [Fact(OrganisationCreated(name="x", slug="x"))] * chance.randint(1, 40)
                    ids = {one.event_id for one in record_many(facts)}
                    if fails:
                        raise ZeroDivisionError
                (self.rolled_back if fails else self.committed).update(ids)
                # As people do, not as fast as the machine can.
                self.stop.wait(0.01)
        connection.close()


def test_no_event_is_lost_or_placed_twice_whenever_processes_are_killed(
    acme: Organisation, killer: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    log = log_of(acme.id)

    def live(line: str) -> float:
        assert killer.stdin is not None
        assert killer.stdout is not None
        killer.stdin.write(f"{line}\n")
        killer.stdin.flush()
        return float(killer.stdout.readline())

    writers, sizes = Writers(acme), [0]
    whole = live("whole")
    for _ in range(3):
        cast.member(acme, "Alice")
        whole = min(whole, live("whole"))
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(writers.work, seed) for seed in range(WRITERS)]
        longest = whole * 1.5
        for life in range(LIVES):
            live(str(longest * (life % 10 + 1) / 10))
            sizes.append(tree_head(log).size)
            if life % 10 == 9 and len(set(sizes[-10:])) < 4:
                # The machine has other work: none of these lives was long enough.
                longest *= 1.5
        writers.stop.set()
        for one in running:
            one.result(timeout=120)
    with SignerState(tmp_path / "log") as state:
        assert LogProcess(state).drain()

    with inside(acme):
        placed = list(Entry.objects.order_by("seq").values_list("seq", "event_id"))
        events = set(Event.objects.values_list("id", flat=True))
        indexed = set(IndexedEvent.objects.values_list("seq", "event_id"))
        checkpoints = list(Checkpoint.objects.order_by("size").values_list("size", "root"))
        assert not Pending.objects.exists()
    ids = [event_id for _, event_id in placed]
    assert [seq for seq, _ in placed] == list(range(len(placed)))
    assert len(set(ids)) == len(ids)
    assert set(ids) == events
    assert writers.committed < events
    assert writers.rolled_back
    assert not writers.rolled_back & events
    assert indexed == set(placed)
    # Some lives were long enough to get on, some ended in the middle.
    assert len(set(sizes)) > LIVES // 20
    assert len(checkpoints) > LIVES // 20
    for (old_size, old_root), (size, root) in pairwise(checkpoints):
        proof = consistency_proof(log, old_size=old_size, size=size)
        verify_consistency(old_size, size, proof, bytes(old_root), bytes(root))
    assert verify_log(log).fault is None
    print(f"{len(placed)} entries, {len(checkpoints)} checkpoints")  # noqa: T201 - for pytest -rP


def test_a_connection_that_is_cut_in_the_middle_of_a_batch_loses_nothing(
    acme: Organisation, tmp_path: Path
) -> None:
    log = log_of(acme.id)
    with inside(acme), transaction.atomic():
        record_many([Fact(OrganisationCreated(name="x", slug="x"))] * 5000)
    for moment in range(10):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            cut = threading.Timer(0.02 * moment, cut_off, [cursor.fetchone()[0]])
        cut.start()
        with SignerState(tmp_path / "log") as state, suppress(DatabaseAwayError, OperationalError):
            LogProcess(state).drain()
        cut.join()
        # A connection that was cut while nobody used it is found out here.
        with suppress(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.close()
    with SignerState(tmp_path / "log") as state:
        assert LogProcess(state).drain()

    found = verify_log(log)
    assert found.fault is None
    with inside(acme):
        assert found.entries == Event.objects.count() > 5000


def cut_off(backend: int) -> None:
    with psycopg.connect(database_url(), autocommit=True) as own:
        own.execute("SELECT pg_terminate_backend(%s)", [backend])
