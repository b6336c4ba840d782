"""`/metrics`: the logs' figures, for whoever has the token."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from audit.log_process import LogProcess
from audit.logs import log_of
from audit.selectors.health import log_health, log_state
from audit.services.sequencer import sequence
from audit.state import SignerState
from orgs.models import Organisation
from semafore.kernel import clock
from tests import cast

TOKEN = "a-token-of-monitoring"
LONGEST = 300
"""Seconds that a test may take (pyproject.toml)."""


@pytest.fixture
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def read(authorization: str = f"Bearer {TOKEN}") -> dict[str, float]:
    answer = Client().get("/metrics", headers={"Authorization": authorization})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    lines = answer.content.decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_without_a_token_of_its_own_there_is_no_such_page(db: None) -> None:
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    assert Client().get("/metrics").status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", TOKEN, "Bearer é"])
def test_another_token_gets_nothing(db: None, token: None, given: str) -> None:
    answer = Client().get("/metrics", headers={"Authorization": given})

    assert (answer.status_code, answer.content) == (401, b"")


def test_what_waits_and_what_is_signed(acme: Organisation, token: None, tmp_path: Path) -> None:
    with clock.moved_by(timedelta(seconds=90)):
        found = read()
        assert 90 <= found["semafore_log_oldest_pending_seconds"] < 90 + LONGEST
        assert found["semafore_log_entries"] == found["semafore_log_oldest_unsigned_seconds"] == 0

        sequence(log_of(acme.id))
        found = read()
        assert found["semafore_log_oldest_pending_seconds"] == 0
        assert 90 <= found["semafore_log_oldest_unsigned_seconds"] < 90 + LONGEST

        with SignerState(tmp_path) as state:
            LogProcess(state).drain()
        found = read()
        assert found["semafore_log_oldest_unsigned_seconds"] == found["semafore_log_halted"] == 0
        assert found["semafore_log_entries"] >= 2


def test_the_state_of_one_log(acme: Organisation, globex: Organisation, tmp_path: Path) -> None:
    log, other = log_of(acme.id), log_of(globex.id)
    with SignerState(tmp_path / "one") as state:
        LogProcess(state).drain()
    before = log_state(other)
    cast.member(acme, "Alice")
    with SignerState(tmp_path / "two") as state:
        LogProcess(state).drain()

    with clock.moved_by(timedelta(minutes=5)):
        state_of = log_state(log)
        assert state_of.size == state_of.checkpoint_size > 0
        assert state_of.halted_reason == "state_missing"
        assert timedelta(minutes=5) <= state_of.behind < timedelta(minutes=5, seconds=LONGEST)
        assert state_of.signed_ago is not None
        assert state_of.signed_ago > timedelta(minutes=5)
    # Charlie's log was halted too, by the same file that is missing; Acme's events are not in it.
    assert log_state(other).size == before.size
    assert log_health().halted == 2
