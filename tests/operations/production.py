"""Production's processes on the test database: JSON lines, figures of several processes."""

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import connection

from semafore.local.servers import environment
from tests.conftest import DATABASES
from tests.deployment import Deployment, free_port
from tests.realtime.processes import database_url

ADDRESS = "203.0.113.177"
FORWARDED = {"X-Forwarded-For": ADDRESS, "X-Forwarded-Proto": "https"}
METRICS_TOKEN = "a-token-of-monitoring"
SEED = base64.b64encode(b"only-for-tests".rjust(32, b".")).decode()

PATIENCE = 120
"""Seconds."""
FAREWELL = "worker: Warm shutdown (MainProcess)"


class Production(Deployment):
    """The four processes, behind a proxy that isn't there; the caller commits what they see."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.folder = folder
        self.port, self.realtime_port = free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        # A number of its own: other tests use the server too, and no worker may take their tasks.
        shared = urlsplit(settings.REDIS_URL)
        redis = shared._replace(path=f"/{int(shared.path[1:]) + DATABASES}").geturl()
        self.environment = environment(
            DATABASE_URL=database_url(),
            REDIS_URL=redis,
            SECRET_KEY=settings.SECRET_KEY,
            DEBUG="false",
            # Tests may run as root, of which Celery warns.
            PYTHONWARNINGS="ignore:You're running the worker",
            DJANGO_SETTINGS_MODULE="semafore.settings",
            BASE_URL=self.base_url,
            EVENTS_URL=self.events_url,
            STATIC_COLLECTED="false",
            TLS_PROXY="true",
            CHECKPOINT_KEYS=SEED,
            LOG_STATE_DIR=str(folder / "log"),
            EXPORT_STORAGE=str(folder / "exports"),
            METRICS_TOKEN=METRICS_TOKEN,
            PROMETHEUS_MULTIPROC_DIR=str(folder / "counted"),
            **more,
        )

    @property
    def events_url(self) -> str:
        """Where the sockets are."""
        return f"ws://127.0.0.1:{self.realtime_port}/ws/mobile"

    @contextlib.contextmanager
    def started(self) -> Iterator[None]:
        """Web, realtime, a worker with beat, and the log process, by production's commands."""
        here = ("--host", "127.0.0.1", "--port")
        web = ("--interface", "wsgi", "--workers", "2", "--blocking-threads", "4", "--no-log")
        beat = str(self.folder / "beat")
        queues = "default,exports,siem"
        with (
            self.process("granian", *web, *here, str(self.port), "semafore.wsgi:application"),
            self.process("uvicorn", "semafore.asgi:application", *here, str(self.realtime_port)),
            self.process(
                *("celery", "--quiet", "--app", "semafore", "worker", "--queues", queues),
                *("--beat", "--schedule", beat, "--concurrency", "1"),
            ),
            self.process("django", "audit_log", "run"),
        ):
            for port in (self.port, self.realtime_port):
                _wait_for(port, self)
            yield

    def browser(self) -> httpx.Client:
        """Somebody who comes through the proxy."""
        return httpx.Client(
            base_url=self.base_url, headers=FORWARDED, trust_env=False, timeout=PATIENCE
        )

    def lines(self) -> list[dict[str, Any]]:
        """What the processes wrote, once they have ended; Celery's farewell is no line of ours."""
        written = [line for line in self.output().splitlines() if line and line != FAREWELL]
        return [json.loads(line) for line in written]

    def wait_for(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line that is so."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self.output().splitlines():
                # The last one may still be written, and not all are ours.
                with contextlib.suppress(json.JSONDecodeError):
                    found: dict[str, Any] = json.loads(line)
                    if what(found):
                        return found
            time.sleep(0.05)
        raise AssertionError(self.output()[-6000:])

    def execute(self, statement: str) -> None:
        """A statement of somebody who owns the database."""
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _wait_for(port: int, production: Production) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/healthz", headers=FORWARDED, trust_env=False)
            return
        time.sleep(0.05)
    raise AssertionError(production.output())
