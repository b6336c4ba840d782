"""Servers that stop, restart and are killed under load: nothing is lost, nothing half done."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import psutil
import pytest

from semafore.local.client.api import ApiProblem
from semafore.local.client.device import Device
from semafore.local.processes import end
from tests.deployment import Deployment, deployed

CLAIMERS = ("amara", "amara-laptop", "ben", "chloe")
TARGET = "dev"
PATIENCE = 120


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment that each test breaks and leaves mended."""
    with deployed(tmp_path_factory.mktemp("deployment")) as running:
        yield running


@contextmanager
def device(deployment: Deployment, name: str) -> Iterator[Device]:
    """A device of the demo, with more patience than a machine is slow."""
    demo = deployment.demo()
    with (one := demo.open(demo.find(name))).api:
        one.api._http.timeout = 60
        yield one


def refill(deployment: Deployment, count: int) -> None:
    """More keys for the target."""
    with device(deployment, TARGET) as target:
        target.refill(count)


class Claimers:
    """Clients that claim all the time, each claim retried with its key until it is answered."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.target: UUID = deployment.demo().find(TARGET).device_id
        self.before = set(deployment.query("SELECT idempotency_key FROM keys_claim"))
        self.answers: dict[str, int | None] = {}
        self.failures: Counter[str] = Counter()
        self.stop = threading.Event()
        self.pool = ThreadPoolExecutor(max_workers=2 * len(CLAIMERS))

    def __enter__(self) -> Self:
        names = 2 * CLAIMERS
        self.running = [self.pool.submit(self.claim, name) for name in names]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for one in self.running:
            one.result(timeout=PATIENCE)
        self.pool.shutdown()

    def claim(self, name: str) -> None:
        with device(self.deployment, name) as one:
            while not self.stop.is_set():
                key = str(uuid4())
                while key not in self.answers:
                    self.attempt(one, key)

    def attempt(self, one: Device, key: str) -> None:
        try:
            bundle = one.api.claim(self.target, idempotency_key=key)
        except ApiProblem as problem:
            self.failures[str(problem.status)] += 1
            time.sleep(0.05)
        except httpx.TransportError as error:
            self.failures[type(error).__name__] += 1
            time.sleep(0.05)
        else:
            one_time = bundle["one_time_pre_key"]
            self.answers[key] = one_time and one_time["key_id"]

    def reach(self, more: int) -> None:
        """Returns when that many more claims were answered."""
        goal = len(self.answers) + more
        self.wait_until(lambda: len(self.answers) >= goal)

    def stumble(self) -> None:
        """Returns when one more attempt has failed."""
        before = self.failures.total()
        self.wait_until(lambda: self.failures.total() > before)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, (self.failures, self.deployment.output()[-3000:])
            time.sleep(0.02)


def check_books(deployment: Deployment, claimers: Claimers) -> None:
    """Claims, keys, counters and events tell one story."""
    issued = [key_id for key_id in claimers.answers.values() if key_id]
    assert len(set(issued)) == len(issued), "a key was issued twice"

    target = claimers.target
    noted = deployment.query(
        f"SELECT idempotency_key, key_id FROM keys_claim WHERE target_id = '{target}'"
        " AND idempotency_key IS NOT NULL"
    )
    by_key: dict[Any, Any] = {key: key_id for key, key_id in noted if (key,) not in claimers.before}
    assert {key: by_key.get(key) for key in claimers.answers} == claimers.answers
    # Every claim that was begun was also answered, since each was retried until it was.
    assert set(by_key) <= set(claimers.answers)

    ((available, unclaimed),) = deployment.query(
        "SELECT b.available, (SELECT count(*) FROM keys_onetimeprekey k"
        " WHERE k.device_id = b.device_id AND claimed_at IS NULL)"
        f" FROM keys_keybundle b WHERE device_id = '{target}'"
    )
    assert available == unclaimed

    logged = [
        claim["key_id"]
        for event in deployment.events("key_bundle.claimed")
        for claim in event["data"]["claims"]
        if claim["device_id"] == str(target) and claim["key_id"]
    ]
    assert len(set(logged)) == len(logged)
    assert set(issued) <= set(logged), "a claim without its event"
    ((events, placed),) = deployment.query(
        "SELECT (SELECT count(*) FROM audit_event),"
        " (SELECT count(*) FROM audit_pending) + (SELECT count(*) FROM audit_entry)"
    )
    assert events == placed


def test_postgres_restarted_and_killed_under_load(deployment: Deployment) -> None:
    with deployment.web():
        refill(deployment, 500)
        with Claimers(deployment) as claimers:
            claimers.reach(40)
            deployment.postgres.restart()
            claimers.reach(40)
            deployment.postgres.kill()
            claimers.stumble()
            deployment.postgres.start()
            claimers.reach(40)
        assert set(claimers.failures) <= {"503"}, claimers.failures
        check_books(deployment, claimers)


def test_the_web_process_killed_under_load(deployment: Deployment) -> None:
    with deployment.web() as first:
        refill(deployment, 300)
        with Claimers(deployment) as claimers:
            claimers.reach(40)
            kill_with_workers(first.pid)
            claimers.stumble()
            with deployment.web():
                claimers.reach(40)
                claimers.stop.set()
                for one in claimers.running:
                    one.result(timeout=PATIENCE)
        check_books(deployment, claimers)


def kill_with_workers(pid: int) -> None:
    """SIGKILL to a process and its children: no clean-up, no last words."""
    parent = psutil.Process(pid)
    # Until the last of them is gone, the port may still be theirs.
    end(
        [*parent.children(recursive=True), parent],
        patience=PATIENCE,
        polite=signal.SIGKILL,
    )


def ready(deployment: Deployment) -> tuple[int, Any]:
    answer = httpx.get(f"{deployment.base_url}/readyz", trust_env=False, timeout=60)
    return answer.status_code, answer.json()


def test_everything_without_a_socket_works_while_redis_is_stopped(deployment: Deployment) -> None:
    with (
        deployment.web(),
        device(deployment, "chloe") as chloe,
        device(deployment, TARGET) as dev,
    ):
        deployment.valkey.stop()
        acts: list[Callable[[], Any]] = [
            chloe.api.config,
            chloe.api.me,
            lambda: chloe.agree_with(deployment.demo().find(TARGET).device_id),
            dev.rotate,
            lambda: dev.refill(10),
            dev.withdraw,
            lambda: dev.refill(10),
            lambda: chloe.agree_with(deployment.demo().find(TARGET).device_id),
        ]
        for act in acts:
            # What hangs, and isn't merely delayed, ends with the client's patience.
            act()
        assert ready(deployment) == (200, {"database": "ok", "redis": "degraded"})
        deployment.valkey.start()
        deadline = time.monotonic() + PATIENCE
        # It gives Redis half a second to answer.
        while ready(deployment) != (200, {"database": "ok", "redis": "ok"}):
            assert time.monotonic() < deadline, deployment.output()[-3000:]


def test_a_celery_worker_finds_its_work_in_rows(deployment: Deployment) -> None:
    """A real worker with beat's task names; the work was there before the worker was."""
    with deployment.web(), device(deployment, TARGET) as dev:
        dev.rotate()
    target = deployment.demo().find(TARGET).device_id
    deployment.query(
        "UPDATE keys_signedprekey SET superseded_at = superseded_at - interval '8 days'"
        f" WHERE device_id = '{target}' AND superseded_at IS NOT NULL RETURNING 1"
    )
    waiting = (
        "SELECT count(*) FROM keys_signedprekey WHERE public_key IS NOT NULL"
        f" AND device_id = '{target}'"
    )
    ((before,),) = deployment.query(waiting)
    assert before >= 2
    words = ("celery", "--app", "semafore", "worker", "--queues", "default", "--without-mingle")
    with deployment.process(*words):
        send = "from keys.tasks import delete_lapsed_signed_pre_keys as task; task.delay()"
        deployment.manage("shell", "-v", "0", "-c", send)
        for _ in range(10 * PATIENCE):
            if deployment.query(waiting) == [(1,)]:
                break
            time.sleep(0.1)
        else:
            pytest.fail(deployment.output()[-3000:])
