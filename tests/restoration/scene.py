"""A deployment with Acme in it, and what tests of restores and failovers ask of it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg

from semafore.local.client.device import Device
from semafore.local.postgres import ADMINISTRATOR, DATABASE, PostgresCluster
from semafore.local.servers import ROOT
from semafore.local.valkey import ValkeyServer
from tests import migrated
from tests.deployment import Deployment

PATIENCE = 120
"""Seconds for what takes about one."""


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can reach by its whole path, as archiving must.

    Not one of pytest's: another session of pytest closes the folder above those to others.
    """
    with tempfile.TemporaryDirectory(prefix="semafore-") as name:
        yield Path(name)


@contextlib.contextmanager
def bare_deployment(folder: Path, settings: Mapping[str, str]) -> Iterator[Deployment]:
    """Migrated servers, and nobody in them."""
    with (
        migrated.cluster(folder / "postgres", settings=settings) as postgres,
        ValkeyServer(folder / "valkey") as valkey,
    ):
        made = Deployment(folder, postgres, valkey)
        made.environment |= {"DJANGO_SETTINGS_MODULE": "semafore.settings"}
        yield made


@dataclass
class Acme:
    """The organisation of the deployment."""

    slug: str
    organisation: UUID
    devices: dict[str, UUID]
    folder: Path
    base_url: str

    @contextlib.contextmanager
    def device(self, name: str) -> Iterator[Device]:
        one = Device.open(
            base_url=self.base_url,
            device_id=self.devices[name],
            organisation_id=self.organisation,
            state_file=self.folder / name,
        )
        with one.api:
            yield one


@contextlib.contextmanager
def log_process(deployment: Deployment) -> Iterator[subprocess.Popen[bytes]]:
    with deployment.process("django", "audit_log", "run") as running:
        yield running


def found_acme(deployment: Deployment) -> Acme:
    """Acme with its people and their devices, in a fresh deployment."""
    folder = deployment.folder / "acme"
    folder.mkdir()
    acts(deployment, "begin", str(folder))
    told = json.loads((folder / "acme.json").read_text())
    devices = {name: UUID(id_) for name, id_ in told["devices"].items()}
    return Acme(told["slug"], UUID(told["organisation"]), devices, folder, deployment.base_url)


def claim(of: Device, target: UUID) -> tuple[int, str] | None:
    found = of.api.claim(target, idempotency_key=str(uuid4()))["one_time_pre_key"]
    return found and (found["key_id"], found["public_key"])


def signed_up(deployment: Deployment) -> None:
    """Returns when every event stands under a checkpoint."""
    waiting = """
        SELECT (SELECT count(*) FROM audit_pending) + (SELECT count(*) FROM audit_platformpending)
             + (SELECT count(*) FROM audit_head h WHERE size > (SELECT coalesce(max(size), 0)
                FROM audit_checkpoint c WHERE c.organisation_id = h.organisation_id))
    """
    until(lambda: deployment.query(waiting) == [(0,)], deployment)


def until(holds: Callable[[], bool], deployment: Deployment) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, deployment.output()[-3000:]
        time.sleep(0.05)


def head_size(deployment: Deployment, acme: Acme) -> int:
    ((size,),) = deployment.query(
        "SELECT size FROM audit_head JOIN orgs_organisation o ON o.id = organisation_id"
        f" WHERE slug = '{acme.slug}'"
    )
    return int(size)


def get(deployment: Deployment, path: str, token: str = "") -> httpx.Response:
    return httpx.get(
        f"{deployment.base_url}{path}",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        trust_env=False,
        timeout=PATIENCE,
    )


def code(deployment: Deployment, path: str = "/api/mobile/config") -> str:
    answer = get(deployment, path)
    return "" if answer.status_code == 200 else str(answer.json()["code"])


def acts(deployment: Deployment, *words: str, **settings: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "tests.restoration.acts", *words],
        env=deployment.environment | settings,
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def administer(cluster: PostgresCluster, statement: str) -> list[tuple[object, ...]]:
    """Rows of a statement, as PostgreSQL's administrator."""
    where = f"host={cluster.socket_directory} user={ADMINISTRATOR} dbname={DATABASE}"
    with psycopg.connect(where, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []
