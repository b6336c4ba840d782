"""A rolling upgrade and restarts of everything, while devices send, claim and listen."""

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.deploy.load import Load
from tests.deploy.people import People
from tests.deploy.production import Process, Production, wait_for

# Two deployments' worth of starts: alone on two cores it takes a quarter of that.
pytestmark = pytest.mark.timeout(1800)

IN_FLIGHT = {"POST 503", "PUT 503"}
"""What nginx says for a request that an instance took and didn't answer."""
AT_A_TIME = 2 * len(Load.SENDERS)
"""Requests under way at any moment: one for each of the threads."""


@pytest.fixture(scope="module")
def load(production: Production, people: People) -> Iterator[Load]:
    """Runs through all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(production.proxy.certificate))
        with Load(production, people) as running:
            running.goes_on()
            yield running


@pytest.fixture(scope="module")
def next_release(production: Production) -> Path:
    """The same code with one column more, which the code that runs doesn't know."""
    folder = production.folder / "next"
    shutil.copytree(production.release, folder)
    model = folder / "keys" / "models" / "devices.py"
    before = model.read_text(encoding="utf-8")
    anchor = "    name = models.CharField("
    assert before.count(anchor) == 1
    model.write_text(
        before.replace(anchor, f"    pager = models.CharField(max_length=9, null=True)\n{anchor}"),
        encoding="utf-8",
    )
    production.manage("makemigrations", "keys", "-n", "pagers", release=folder)
    return folder


def replace(process: Process, release: Path) -> None:
    """Restart it, as `systemctl restart` does after /opt/semafore points to the next release."""
    process.stop()
    process.release = release
    process.start()
    if process.port:
        process.await_health()


def test_a_rolling_upgrade_fails_nothing_beyond_what_is_in_flight(
    production: Production, load: Load, next_release: Path
) -> None:
    """The procedure of docs/deployment.md, each step under load."""
    failures: dict[str, Counter[str]] = {}

    def step(what: str) -> None:
        load.goes_on()
        failures[what] = load.failures.copy()
        load.failures.clear()

    step("before")
    production.manage("migrate", "-v", "0", release=next_release)
    assert production.query("SELECT count(pager) FROM keys_device") == [(0,)]
    step("old code, new schema")
    for process in production.webs:
        replace(process, next_release)
        step(f"web {process.port}")
    for process in production.realtimes:
        replace(process, next_release)
        step(f"realtime {process.port}")
    for process in production.others:
        replace(process, next_release)
        step(process.name)
    for process in production.others:
        wait_for(process.healthy, process.said)

    for what, seen in failures.items():
        if what.startswith("web"):
            assert set(seen) <= IN_FLIGHT, (what, seen)
            assert seen.total() <= AT_A_TIME, (what, seen)
        else:
            assert not seen, (what, seen)
    # Uvicorn tells each device that it restarts, and each came back.
    reasons: Counter[str] = Counter()
    for client in load.clients.values():
        reasons.update(client.closed)
    assert reasons["closed with code 1012"] >= len(load.clients), reasons
    assert set(reasons) == {"closed with code 1012"}, reasons


def test_a_request_that_was_begun_is_answered(production: Production, load: Load) -> None:
    """Both instances are told to end while requests wait for a lock."""

    def accepted() -> int:
        lines = production.proxy.access().splitlines()
        return sum('/messages"' in line and '"status":201' in line for line in lines)

    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
    senders = len(load.SENDERS)
    with ThreadPoolExecutor() as pool, psycopg.connect(production.postgres.url) as holder:
        holder.execute("LOCK TABLE messaging_message IN EXCLUSIVE MODE")
        wait_for(lambda: production.query(waiting) == [(senders,)], production.said)
        before = accepted()
        stopping = [pool.submit(process.stop) for process in production.webs]
        # Both have closed their doors.
        wait_for(lambda: not any(process.listens() for process in production.webs), production.said)
        holder.rollback()
        for one in stopping:
            one.result()
    # nginx writes a line when it is done with a request, and its client has the answer before.
    wait_for(lambda: accepted() >= before + senders, production.said)
    assert accepted() == before + senders
    for process in production.webs:
        process.start().await_health()
    load.goes_on()


def test_a_killed_web_process_costs_what_it_held(production: Production, load: Load) -> None:
    seen = load.failures
    seen.clear()
    production.webs[0].kill()
    # Until its last thread is gone the kernel takes connections for it: who repeats meets it again.
    wait_for(lambda: not production.webs[0].listens(), production.said)
    before = seen.total()
    load.goes_on()
    assert set(seen) <= IN_FLIGHT, seen
    assert seen.total() - before <= AT_A_TIME, (before, seen)
    production.webs[0].start().await_health()


def test_valkey_restarts_and_nobody_fails(production: Production, load: Load) -> None:
    load.failures.clear()
    production.valkey.stop()
    load.goes_on()
    production.valkey.start()
    load.goes_on()
    assert not load.failures
    # Both kinds of Celery's processes find it again by themselves.
    for process in (production.worker, production.beat):
        wait_for(process.healthy, process.said)


def test_postgres_restarts_and_clients_wait(production: Production, load: Load) -> None:
    load.failures.clear()
    production.postgres.restart()
    load.goes_on()
    assert {failure.split()[1] for failure in load.failures} <= {"503"}, load.failures


def test_in_the_end_everything_has_come_once(
    production: Production, people: People, load: Load
) -> None:
    """Last: what was sent through all of the above is there, once, and proved."""
    load.drained()
    sent = {one for ids in load.sent.values() for one in ids}
    assert len(sent) == len([one for ids in load.sent.values() for one in ids])
    for name, client in load.clients.items():
        expected = set() if name == "Charlie" else load.due(name)
        assert sorted(client.heard) == sorted(expected), name
        assert all(len(of_one) == 1 for of_one in client.of_message.values())
    keys = [key_id for key_id in load.claimed.values() if key_id]
    assert len(set(keys)) == len(keys), "a one-time pre-key was issued twice"
    stored = production.query("SELECT count(*), count(DISTINCT message_id) FROM messaging_message")
    assert stored == [(len(sent), len(sent))]

    wait_for(
        lambda: production.query("SELECT count(*) FROM audit_pending") == [(0,)],
        production.log.said,
    )
    verified = production.manage("audit_log", "verify", "--all")
    assert "WRONG" not in verified
