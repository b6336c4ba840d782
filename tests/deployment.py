"""A whole deployment of its own: servers that a test may kill, processes as in production."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg

from semafore.local.client.demo import Demo
from semafore.local.postgres import PostgresCluster
from semafore.local.servers import ROOT
from semafore.local.valkey import ValkeyServer, port_is_free
from tests import migrated

# Below the ports of outgoing connections, which could be given one before it is listened on or
# while its process restarts, and of Valkey; others than those of the other workers of pytest-xdist.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_own = range(10_000 + _worker, 20_000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
_ports = iter(random.sample(_own, len(_own)))


def free_port() -> int:
    """A port of this machine that nobody listens on; never the same twice."""
    return next(port for port in _ports if port_is_free(port))


class Deployment:
    """PostgreSQL, Valkey, the demo's data, and the processes that a test starts."""

    def __init__(self, folder: Path, postgres: PostgresCluster, valkey: ValkeyServer) -> None:
        self.folder = folder
        self.postgres = postgres
        self.valkey = valkey
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            **postgres.env(),
            **valkey.env(),
            "DEBUG": "true",
            "SECRET_KEY": "only-for-tests-" * 5,
            "BASE_URL": self.base_url,
            "EVENTS_URL": f"ws://127.0.0.1:{self.port}/ws/mobile",
            "SEMAFORE_LOCAL_DIR": str(folder),
            "LOG_STATE_DIR": str(folder / "log"),
            "EXPORT_STORAGE": str(folder / "exports"),
            "CLAIMS_PER_TARGET_PER_DAY": "100000",
            "UNAUTHENTICATED_PER_MINUTE": "1000000",
            "DATABASE_POOL_SIZE": "8",
        }

    def manage(self, *words: str) -> str:
        """Run a management command; its output."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    @contextlib.contextmanager
    def process(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process in the block; its output goes to a file of the deployment's folder."""
        with (self.folder / "output.txt").open("ab") as output:
            running = subprocess.Popen(
                [sys.executable, "-m", *words],
                env=self.environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(timeout=60)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()

    @contextlib.contextmanager
    def web(self) -> Iterator[subprocess.Popen[bytes]]:
        """REST as in production: Granian, WSGI."""
        words = ("--interface", "wsgi", "--workers", "1", "--blocking-threads", "8")
        where = ("--host", "127.0.0.1", "--port", str(self.port), "--no-log")
        with self.process("granian", *words, *where, "semafore.wsgi:application") as running:
            self.wait_until_up()
            yield running

    def wait_until_up(self) -> None:
        """Returns when the web process answers."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.base_url}/healthz", trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(self.output())

    def output(self) -> str:
        """What the processes said."""
        return (self.folder / "output.txt").read_text(errors="replace")

    def demo(self) -> Demo:
        """The demo's devices."""
        return Demo.load(self.folder / "demo.json")

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement, over a connection of its own."""
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The `what` parts of all organisations' events of a type."""
        whats = [json.loads(bytes(row[0])) for row in self.query("SELECT what FROM audit_event")]
        return [what for what in whats if what["type"] == kind]


@contextlib.contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """A deployment with the demo loaded; everything of it ends with the block."""
    with (
        migrated.cluster(folder / "postgres", durable=False) as postgres,
        ValkeyServer(folder / "valkey") as valkey,
    ):
        deployment = Deployment(folder, postgres, valkey)
        deployment.manage("load_demo")
        yield deployment
