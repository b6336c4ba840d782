"""A real streaming replica: the explorer reads from it, and it takes over when the primary dies."""

import json
import threading
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from semafore.local.client.api import ApiProblem
from semafore.local.postgres import DATABASE, ROLE, PostgresCluster
from tests.deployment import Deployment
from tests.restoration.backups import Backups
from tests.restoration.scene import (
    Acme,
    acts,
    administer,
    bare_deployment,
    code,
    found_acme,
    head_size,
    log_process,
    open_folder,
    signed_up,
    until,
)


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
def standby(deployment: Deployment, acme: Acme, backups: Backups) -> Iterator[PostgresCluster]:
    """Follows the primary, which waits for it with each commit."""
    made = backups.standby(deployment.postgres, deployment.folder / "standby")
    with made:
        administer(deployment.postgres, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        administer(deployment.postgres, "SELECT pg_reload_conf()")
        until(
            lambda: administer(
                deployment.postgres, "SELECT sync_state FROM pg_stat_replication"
            ) == [("sync",)],
            deployment,
        )  # fmt: skip
        yield made


def read(deployment: Deployment, acme: Acme, **settings: str) -> dict[str, int]:
    found: dict[str, int] = json.loads(acts(deployment, "reads", acme.slug, **settings))
    return found


WITHOUT_A_POOL = {"DATABASE_POOL_SIZE": "0"}
"""Which gives a replica that doesn't connect within a second up for the primary."""


def test_the_explorer_reads_from_a_replica_that_has_everything(
    deployment: Deployment, acme: Acme, standby: PostgresCluster
) -> None:
    deployment.environment["DATABASE_REPLICA_URL"] = standby.url
    deployment.manage("audit_log", "run", "--once")
    until(lambda: caught_up(deployment, standby), deployment)

    found = read(deployment, acme, **WITHOUT_A_POOL)

    assert found["asked"] > 4
    assert found["newest"] == head_size(deployment, acme) - 1

    # Behind: not one event is missed.
    administer(standby, "SELECT pg_wal_replay_pause()")
    deployment.manage("audit_log", "run", "--once")
    late = read(deployment, acme, **WITHOUT_A_POOL)
    assert late["asked"] == 2, "it is asked how far it is, for each of both, and no more"
    assert late["newest"] == head_size(deployment, acme) - 1 > found["newest"]
    administer(standby, "SELECT pg_wal_replay_resume()")

    # Away: the primary does it all.
    deployment.environment["DATABASE_REPLICA_URL"] = f"postgresql://{ROLE}@%2Fnowhere/{DATABASE}"
    assert read(deployment, acme)["newest"] >= late["newest"]
    del deployment.environment["DATABASE_REPLICA_URL"]


def caught_up(deployment: Deployment, standby: PostgresCluster) -> bool:
    (there,) = administer(deployment.postgres, "SELECT pg_current_wal_lsn()")
    (here,) = administer(standby, "SELECT pg_last_wal_replay_lsn()")
    return here == there


def test_what_was_answered_survives_a_failover(
    deployment: Deployment, acme: Acme, standby: PostgresCluster
) -> None:
    """The primary is killed under claims; the synchronous replica takes over as it stands."""
    both = f"{deployment.postgres.socket_directory},{standby.socket_directory}"
    deployment.environment["DATABASE_URL"] = (
        f"postgresql://{ROLE}@/{DATABASE}?host={both}&port=5432,5432"
        "&target_session_attrs=read-write"
    )
    answers: dict[str, int | None] = {}
    ended = threading.Event()

    def claim_on() -> None:
        with acme.device("alice") as alice:
            while not ended.is_set():
                key = str(uuid4())
                while key not in answers and not ended.is_set():
                    try:
                        bundle = alice.api.claim(acme.devices["bob"], idempotency_key=key)
                    except (ApiProblem, httpx.TransportError):
                        ended.wait(0.05)
                    else:
                        one = bundle["one_time_pre_key"]
                        answers[key] = one and one["key_id"]

    def reach(number: int) -> None:
        until(lambda: len(answers) >= number, deployment)

    with log_process(deployment), deployment.web():
        with acme.device("bob") as bob:
            bob.refill(300)
        claimer = threading.Thread(target=claim_on)
        claimer.start()
        try:
            reach(40)
            deployment.postgres.kill()
            before = len(answers)
            administer(standby, "ALTER SYSTEM SET synchronous_standby_names = ''")
            administer(standby, "SELECT pg_promote()")
            reach(before + 40)
        finally:
            ended.set()
            claimer.join()
        assert code(deployment) == ""
        deployment.postgres = standby
        signed_up(deployment)

    issued = [key_id for key_id in answers.values() if key_id]
    assert len(issued) == len(set(issued)), "a key was issued twice"
    noted = dict(deployment.query("SELECT idempotency_key, key_id FROM keys_claim"))
    assert {key: noted.get(key) for key in answers} == answers
    states = deployment.query("SELECT split_part(name, '/', 2), state FROM audit_incarnation")
    assert sorted(states) == [("1", "vouched"), ("2", "vouched")]
    assert "WRONG" not in deployment.manage("audit_log", "verify", "--all")
