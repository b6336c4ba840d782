"""A real cluster loses an hour and goes back to a backup: what is noticed, and what follows.

One deployment, in the order of the story: before, the hour, the loss, the look, the way back.
"""

import asyncio
import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from restoration.lost_events import read
from restoration.services.reapplying import HANDLERS
from semafore.kernel.checks import walk_routes
from semafore.local.client.api import ApiProblem
from semafore.local.client.socket import DeviceSocket
from semafore.local.client.wire import JsonObject
from semafore.local.postgres import DATABASE, ROLE
from semafore.local.servers import ROOT
from tests.deployment import Deployment
from tests.restoration.backups import Backups
from tests.restoration.scene import (
    Acme,
    acts,
    administer,
    bare_deployment,
    claim,
    code,
    found_acme,
    get,
    head_size,
    log_process,
    open_folder,
    signed_up,
    until,
)


@dataclass
class Hour:
    """What happened in the hour that is lost."""

    told: dict[str, Any]
    lost_from: int
    lost_to: int
    issued: set[tuple[int, str]]
    """One-time pre-keys of `bob` that were claimed at any time, id and key."""
    unsent: list[JsonObject]
    """A batch that was uploaded, and claimed from."""
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def backups() -> Iterator[Backups]:
    with open_folder() as folder:
        yield Backups(folder / "backups")


@pytest.fixture(scope="module")
def deployment(backups: Backups) -> Iterator[Deployment]:
    with open_folder() as folder, bare_deployment(folder, backups.settings) as made:
        yield made


@pytest.fixture(scope="module")
def acme(deployment: Deployment) -> Acme:
    return found_acme(deployment)


@pytest.fixture(scope="module")
def hour(deployment: Deployment, acme: Acme, backups: Backups) -> Hour:
    """Backup, an hour, and its loss; nothing runs afterwards but the restored cluster."""
    target = acme.devices["bob"]
    with log_process(deployment), deployment.web():
        with acme.device("alice") as alice, acme.device("bob") as bob:
            bob.refill(30)
            before = {claim(alice, target) for _ in range(3)}
            alice.log.look()
            signed_up(deployment)
            backup = backups.run("base-backup", str(backups.folder), of=deployment.postgres)
            lost_from = head_size(deployment, acme)
            ((moment,),) = deployment.query("SELECT clock_timestamp()")

            told = json.loads(acts(deployment, "hour", acme.slug))
            with bob.file.locked() as keys:
                known = bob.api.status()["one_time_pre_keys"]["highest_key_id"]
                unsent = keys.make_one_time_pre_keys(20, above=known)
                bob.file.save(keys)
            bob.api.publish(unsent)
            after = {claim(alice, target)}
            # The old ones go first: on into those that the backup has never seen.
            while max(key_id for key_id, _ in filter(None, after)) < unsent[3]["key_id"]:
                after.add(claim(alice, target))
            alice.log.look()
            tokens = {"alice": alice.api.token(), "bob": bob.api.token()}
            signed_up(deployment)
            alice.log.look()
        lost_to = head_size(deployment, acme)
        assert "hold" in deployment.manage("audit_log", "verify", "--all")
        (deployment.folder / "copies").mkdir()
        acts(deployment, "copies", acme.slug, str(deployment.folder / "copies"), "0")
    deployment.postgres.stop()
    backups.go_back(deployment.postgres, backup, str(moment))
    deployment.postgres.start()
    until(lambda: deployment.query("SELECT pg_is_in_recovery()") == [(False,)], deployment)
    assert head_size(deployment, acme) == lost_from
    return Hour(
        told=told,
        lost_from=lost_from,
        lost_to=lost_to,
        issued={one for one in before | after if one},
        unsent=unsent,
        tokens=tokens,
    )


@pytest.fixture(scope="module")
def marked(deployment: Deployment, hour: Hour) -> None:
    """The log process has looked at what was restored."""
    state = "SELECT count(*) FROM audit_incarnation WHERE state = 'restored'"
    with log_process(deployment):
        until(lambda: deployment.query(state) == [(1,)], deployment)


def restored(deployment: Deployment, hour: Hour, *more: str) -> str:
    return deployment.manage("after_restore", "--reason", "the disk of Monday", *more)


def test_no_device_is_served_before_the_log_process_has_looked(
    deployment: Deployment, hour: Hour
) -> None:
    with deployment.web():
        assert code(deployment) == "unavailable"
        assert get(deployment, "/readyz").status_code == 503
        with pytest.raises(subprocess.CalledProcessError) as refused:
            restored(deployment, hour)
        assert "start it first" in refused.value.stderr

        with log_process(deployment):
            until(lambda: code(deployment) == "restored", deployment)

            for path in device_routes():
                for token in ("none", hour.tokens["alice"]):
                    answer = get(deployment, f"/{path}", token)
                    assert (answer.status_code, answer.json()["code"]) == (503, "restored"), path
                    assert answer.headers["Retry-After"] == "60"
            answer = get(deployment, "/readyz")
            assert (answer.status_code, answer.json()["database"]) == (503, "restored")
            assert get(deployment, "/console/sign-in").status_code == 200


def device_routes() -> list[str]:
    """Every route of the device API, with some id in each of its places."""
    found = [path for path, _ in walk_routes() if path.startswith("api/mobile/")]
    assert len(found) > 40
    return [str(uuid4()).join(_around(path)) for path in found]


def _around(path: str) -> list[str]:
    while "<" in path:
        before, _, rest = path.partition("<")
        path = f"{before}\0{rest.partition('>')[2]}"
    return path.split("\0")


def test_no_socket_is_opened(deployment: Deployment, hour: Hour, marked: None) -> None:
    where = ("--host", "127.0.0.1", "--port", str(deployment.port), "--log-level", "warning")
    with deployment.process("uvicorn", "semafore.asgi:application", *where):
        until(lambda: refused_socket(deployment, hour) is not None, deployment)
        assert refused_socket(deployment, hour) == 1013


def refused_socket(deployment: Deployment, hour: Hour) -> int | None:
    async def attempt() -> int | None:
        url = deployment.environment["EVENTS_URL"]
        async with DeviceSocket(url, hour.tokens["alice"]) as socket:
            assert await socket.receive() is None, "a restored database opened a socket"
            return socket.close_code

    with contextlib.suppress(OSError):
        return asyncio.run(attempt())
    return None


def test_sweeps_wait(deployment: Deployment, hour: Hour, marked: None) -> None:
    """One would delete by the periods, and without the hold, of an hour ago."""
    said = subprocess.run(
        [
            *(sys.executable, "manage.py", "shell", "--no-imports", "-c"),
            "from audit.tasks import sweep_retention as sweep; print(sweep.apply().get())",
        ],
        env=deployment.environment,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.strip() == "0"
    assert "sweep_retention waits: the database was restored" in said.stderr


def test_every_copy_tells_the_same(deployment: Deployment, acme: Acme, hour: Hour) -> None:
    read_from = {
        path.name: [
            dataclasses.replace(event, organisation_id=acme.organisation)
            for event in read(path.read_text().split("\n"))
            if event.type in HANDLERS
        ]
        for path in (deployment.folder / "copies").iterdir()
    }
    assert len(read_from["export"]) >= 8
    for name in ("ocsf", "hec", "rfc5424"):
        assert read_from[name] == read_from["export"], name


def test_a_dry_run_says_all_and_changes_nothing(
    deployment: Deployment, acme: Acme, hour: Hour, marked: None
) -> None:
    unclaimed = "SELECT count(*) FROM keys_onetimeprekey WHERE claimed_at IS NULL"
    before = deployment.query(unclaimed)
    file = f"{acme.slug}={deployment.folder / 'copies' / 'export'}"

    said = restored(deployment, hour, "--dry-run", "--events", file)

    assert before == deployment.query(unclaimed)
    assert deployment.query("SELECT count(*) FROM restoration_restoration") == [(0,)]
    known = hour.lost_to - hour.lost_from
    assert f"of {known} lost events, {known} are known" in said
    assert "carried out again: 8" in said
    assert "Nothing was changed" in said
    assert f"founded since, log {hour.told['founded']}" in said


def test_the_way_back(deployment: Deployment, acme: Acme, hour: Hour, marked: None) -> None:
    copies = deployment.folder / "copies"
    kill_midway(deployment)
    assert deployment.query("SELECT count(*) FROM restoration_restoration") == [(1,)]

    said = restored(deployment, hour, "--events", f"{acme.slug}={copies / 'ocsf'}")

    print(said)  # noqa: T201 - for pytest -rP
    assert "Devices are let in" in said
    told = hour.told
    check_standing(deployment, told)
    ((name,),) = deployment.query(
        "SELECT state FROM audit_incarnation ORDER BY noted_at DESC LIMIT 1"
    )
    assert name == "vouched"
    with deployment.web(), log_process(deployment):
        assert code(deployment) == ""
        check_keys(deployment, acme, hour)
        check_logs(deployment, acme)
    # Once more: nothing is left to do, and nothing is void again.
    keys = deployment.query("SELECT count(*) FROM keys_onetimeprekey WHERE claimed_at IS NULL")
    again = restored(deployment, hour, "--events", f"{acme.slug}={copies / 'ocsf'}")
    assert "void" not in again
    assert "carried out again: 0" not in again
    assert keys == deployment.query(
        "SELECT count(*) FROM keys_onetimeprekey WHERE claimed_at IS NULL"
    )
    skipped = deployment.query("SELECT DISTINCT managed_app_version / 1000 FROM orgs_policy")
    assert skipped == [(1,)]


def kill_midway(deployment: Deployment) -> None:
    """SIGKILL after the first organisation."""
    command = ["after_restore", "--reason", "the disk of Monday"]
    with deployment.process("django", *command) as running:
        until(
            lambda: (
                deployment.query(
                    "SELECT count(*) FROM restoration_restoration WHERE settled <> '[]'"
                )
                == [(1,)]
                or running.poll() is not None
            ),
            deployment,
        )
        running.send_signal(signal.SIGKILL)
        running.wait()


def check_standing(deployment: Deployment, told: dict[str, Any]) -> None:
    """What was taken away in the lost hour is away again, and what was kept is kept."""
    statuses = dict(
        deployment.query(
            "SELECT id::text, status FROM orgs_membership"
            f" WHERE id IN ('{told['ended']}', '{told['suspended']}')"
        )
    )
    assert statuses == {told["ended"]: "ended", told["suspended"]: "suspended"}
    assert deployment.query(f"SELECT status FROM keys_device WHERE id = '{told['device']}'") == [
        ("revoked",)
    ]
    assert deployment.query(
        f"SELECT case_reference, lifted_at FROM audit_hold WHERE id = '{told['hold']}'"
    ) == [("HC-1", None)]
    assert deployment.query(f"SELECT status FROM messaging_room WHERE id = '{told['room']}'") == [
        ("closed",)
    ]


def check_keys(deployment: Deployment, acme: Acme, hour: Hour) -> None:
    """No key that was ever claimed is claimed again, and old tokens open nothing."""
    target = acme.devices["bob"]
    for token in hour.tokens.values():
        assert get(deployment, "/api/mobile/me", token).status_code == 401
    with acme.device("alice") as alice, acme.device("bob") as bob:
        assert claim(alice, target) is None, "what the backup held is void"
        with pytest.raises(ApiProblem, match="key_id_conflict"):
            bob.api.publish(hour.unsent)
        bob.refill(30)
        issued = [claim(alice, target) for _ in range(31)]
        assert issued[-1] is None
        given = {one for one in issued if one}
        assert len(given) == 30
        assert not given & hour.issued
        assert not {key for _, key in given} & {key for _, key in hour.issued}
    with acme.device("eve") as gone, pytest.raises(ApiProblem, match="revoked"):
        gone.api.me()


def check_logs(deployment: Deployment, acme: Acme) -> None:
    """The logs go on, hold, and devices that saw the lost entries accept the declared loss."""
    signed_up(deployment)
    with acme.device("alice") as alice:
        looked = alice.log.look()
        assert looked is not None
        assert looked.lost
        assert looked.newest.origin.endswith("/2")
        again = alice.log.look()
        assert again is not None
        assert not again.lost
    said = deployment.manage("audit_log", "verify", "--all")
    assert "WRONG" not in said
    assert "HALTED" not in deployment.manage("audit_log", "status")


def test_a_restart_alone_closes_nothing(deployment: Deployment, hour: Hour) -> None:
    with deployment.web():
        assert code(deployment) == ""
        deployment.postgres.kill()
        deployment.postgres.start()
        assert code(deployment) in {"", "unavailable"}
        until(lambda: code(deployment) == "", deployment)


def test_a_dump_is_another_database(deployment: Deployment, hour: Hour, backups: Backups) -> None:
    """It is looked at, and as it lacks nothing it is served from."""
    file, name = str(backups.folder / "semafore.dump"), "from_a_dump"
    with log_process(deployment):
        signed_up(deployment)
    backups.run("dump", file, of=deployment.postgres, database=DATABASE)
    administer(deployment.postgres, f"CREATE DATABASE {name} OWNER {ROLE}")
    backups.run("restore-dump", file, of=deployment.postgres, database=name, role=ROLE)
    original = deployment.environment["DATABASE_URL"]
    deployment.environment["DATABASE_URL"] = original.removesuffix(DATABASE) + name
    try:
        with deployment.web():
            assert code(deployment) == "unavailable"
            deployment.manage("audit_log", "run", "--once")
            until(lambda: code(deployment) == "", deployment)
            assert "WRONG" not in deployment.manage("audit_log", "verify", "--all")
    finally:
        deployment.environment["DATABASE_URL"] = original


@contextlib.contextmanager
def in_the_middle_of_a_log(deployment: Deployment, acme: Acme) -> Iterator[None]:
    """The log process has given an event its place, and can't publish the checkpoint."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with contextlib.closing(psycopg.connect(deployment.postgres.url)) as holding:
        holding.execute("LOCK TABLE audit_checkpoint IN SHARE MODE")
        with acme.device("bob") as bob:
            bob.refill(20)
        until(lambda: deployment.query(waits) == [(1,)], deployment)
        yield


@pytest.mark.parametrize("at_work", [False, True])
def test_a_copy_of_the_files_is_noticed_too(
    deployment: Deployment, acme: Acme, hour: Hour, tmp_path: Path, *, at_work: bool
) -> None:
    """The same timeline, so nothing but the log process can tell; it looks when it connects."""
    # Nothing waits in the copy, so nothing else leads to it.
    with log_process(deployment):
        signed_up(deployment)
    deployment.postgres.stop()
    kept = tmp_path / "data"
    subprocess.run(["/bin/cp", "-a", str(deployment.postgres.data), str(kept)], check=True)
    deployment.postgres.start()
    with deployment.web(), log_process(deployment):
        with acme.device("bob") as bob:
            bob.refill(10)
        signed_up(deployment)
        with in_the_middle_of_a_log(deployment, acme) if at_work else contextlib.nullcontext():
            deployment.postgres.stop()
        deployment.postgres.data.rename(tmp_path / "lost")
        kept.rename(deployment.postgres.data)
        deployment.postgres.start()
        until(lambda: code(deployment) == "restored", deployment)
        restored(deployment, hour)
        until(lambda: code(deployment) == "", deployment)
