"""A deployment as production runs it: settings, nginx with TLS, every process by bin/serve."""

import contextlib
import fnmatch
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg
from cryptography.fernet import Fernet

from semafore.local.postgres import PostgresCluster
from semafore.local.servers import ROOT
from semafore.local.valkey import ValkeyServer, port_is_free
from tests import migrated
from tests.deploy.proxy import Proxy
from tests.deployment import free_port

PATIENCE = 240.0
"""Seconds: what takes longer on a machine that does nothing else has failed."""
KEY = "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMhISE="
CHECKPOINT_KEY = "Y2hlY2twb2ludC1rZXktb25seS1mb3ItdGVzdHMhISE="


def wait_for(reached: Callable[[], bool], what: Callable[[], object]) -> None:
    """Returns once it is reached; fails saying `what` stands instead."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def release(folder: Path) -> Path:
    """The files that the image holds (.dockerignore), in a folder of their own."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules.pop(0) == "*"
    within = [ROOT / rule[1:] for rule in rules if rule.startswith("!")]
    without = [rule for rule in rules if not rule.startswith("!")]

    def left_out(directory: str, names: list[str]) -> set[str]:
        paths = {name: f"{Path(directory).relative_to(ROOT)}/{name}" for name in names}
        return {
            name
            for name, path in paths.items()
            if any(fnmatch.fnmatch(path, rule) for rule in without)
        }

    for source in within:
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=left_out)
        else:
            shutil.copy(source, target)
    return folder


class Process:
    """One process of the deployment; `bin/serve NAME`, on a port if it listens."""

    def __init__(self, production: "Production", name: str, port: int | None = None) -> None:
        self.production = production
        self.name = name
        self.port = port
        self.release = production.release
        self.output = production.folder / f"{name}-{port or 0}.txt"
        self.running: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The deployment's, and what is this process's alone."""
        own = {"PORT": str(self.port)} if self.port else {}
        if self.name == "log":
            own["CHECKPOINT_KEYS"] = CHECKPOINT_KEY
        return self.production.environment | own

    def start(self) -> Self:
        """Start it; returns at once."""
        with self.output.open("ab") as output:
            self.running = subprocess.Popen(
                [self.release / "bin" / "serve", self.name],
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def await_health(self) -> Self:
        """As a unit and a container ask for it: again where a minute wasn't enough."""
        wait_for(lambda: self.healthy("--wait"), self.said)
        return self

    def healthy(self, *words: str) -> bool:
        """Whether it is, just now or, with `--wait`, within a minute."""
        command = [str(self.release / "bin" / "healthy"), self.name, *words]
        return not subprocess.run(
            command, env=self.environment, cwd="/", check=False, capture_output=True
        ).returncode

    def listens(self) -> bool:
        """Whether somebody takes connections on its port."""
        return not port_is_free(self.port or 0)

    def stop(self) -> None:
        """Ask it to end, as systemd and Docker do; returns when it has."""
        if self.running is not None:
            self.running.send_signal(signal.SIGTERM)
            self.running.wait(timeout=PATIENCE)
            self.running = None

    def kill(self) -> None:
        """End it and all below it without a word."""
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def restart(self) -> None:
        """Stop it, start it, return when it answers: `systemctl restart`."""
        self.stop()
        self.start().await_health()

    def said(self) -> str:
        """Its output."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""


class Production:
    """Servers, settings and processes of one deployment, all below one folder."""

    def __init__(self, folder: Path, postgres: PostgresCluster, valkey: ValkeyServer) -> None:
        self.folder = folder
        self.postgres = postgres
        self.valkey = valkey
        self.release = release(folder / "release")
        webs, realtimes = [free_port(), free_port()], [free_port(), free_port()]
        self.proxy = Proxy(folder / "nginx", webs, realtimes)
        self.base_url = f"https://localhost:{self.proxy.port}"
        self.events_url = f"wss://localhost:{self.proxy.port}/ws/mobile"
        self.context = ssl.create_default_context(cafile=str(self.proxy.certificate))
        for name in ("exports", "log", "run", "home"):
            (folder / name).mkdir()
        self.environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "HOME": str(folder / "home"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **postgres.env(),
            **valkey.env(),
            "BASE_URL": self.base_url,
            "EVENTS_URL": self.events_url,
            "ALLOWED_HOSTS": "localhost",
            "TLS_PROXY": "true",
            "SECRET_KEY": "only-for-tests-" + "0123456789abcdef" * 4,
            "FIELD_KEYS": Fernet.generate_key().decode(),
            "RECEIPT_KEY": KEY,
            "LOG_HOST": "log.semafore.example",
            "LOG_STATE_DIR": str(folder / "log"),
            "EXPORT_STORAGE": str(folder / "exports"),
            "RUNTIME_DIRECTORY": str(folder / "run"),
            "METRICS_TOKEN": "token-of-monitoring",
            "EMAIL_URL": f"file://{folder}/home/mail",
            # Neither reaches anybody: for what `check --deploy` says, test_files.py sets others.
            "SMS_BACKEND": "file",
            "SMS_FILE": str(folder / "home" / "sms.jsonl"),
            "PUSH_FILE": str(folder / "home" / "push.jsonl"),
            "WEB_WORKERS": "1",
            "WORKER_PROCESSES": "2",
            "CLAIMS_PER_TARGET_PER_DAY": "100000",
            "UNAUTHENTICATED_PER_MINUTE": "1000000",
            "MESSAGES_PER_DEVICE_PER_MINUTE": "100000",
        }
        self.webs = [Process(self, "web", port) for port in webs]
        self.realtimes = [Process(self, "realtime", port) for port in realtimes]
        self.worker, self.siem, self.beat, self.log = (
            Process(self, name) for name in ("worker", "siem", "beat", "log")
        )
        self.others = [self.worker, self.siem, self.beat, self.log]

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [*self.webs, *self.realtimes, *self.others]

    def manage(self, *words: str, release: Path | None = None, **settings: str) -> str:
        """Run a management command of the release; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            env=self.environment | settings,
            cwd=release or self.release,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def transport(self) -> httpx.HTTPTransport:
        """Connections that trust the throw-away certificate."""
        return httpx.HTTPTransport(verify=self.context)

    def client(self, **options: Any) -> httpx.Client:
        """A client at the outer door."""
        return httpx.Client(
            base_url=self.base_url, verify=self.context, trust_env=False, timeout=60, **options
        )

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement, over a connection of its own."""
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def said(self) -> str:
        """What all processes wrote, nginx too."""
        return "\n".join([process.said() for process in self.processes] + [self.proxy.said()])


@contextlib.contextmanager
def produced(folder: Path) -> Iterator[Production]:
    """Everything runs, on an empty, migrated database; all of it ends with the block."""
    with (
        migrated.cluster(folder / "postgres", durable=False) as postgres,
        ValkeyServer(folder / "valkey") as valkey,
    ):
        production = Production(folder, postgres, valkey)
        production.manage("collectstatic", "--no-input", "-v", "0")
        try:
            with production.proxy:
                for process in production.processes:
                    process.start()
                for process in [*production.webs, *production.realtimes]:
                    process.await_health()
                yield production
        finally:
            for process in production.processes:
                process.kill()
