"""Realtime processes on the test's database, and a cast whose rows they can see."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from orgs.models import Organisation
from semafore.kernel import realtime, redis_client
from semafore.local.valkey import ValkeyServer
from tests import cast
from tests.realtime.processes import NEVER, OFTEN, RealtimeServer, realtime_server


@cache
def _patient_client() -> Redis:
    return redis_client.new_client(socket_timeout=60, socket_connect_timeout=60)


@pytest.fixture(autouse=True)
def hints_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: where no poll comes, one that is given up is lost for good."""
    monkeypatch.setattr(redis_client, "_make", _patient_client)
    monkeypatch.setattr(realtime, "_quiet_until", 0.0)


@pytest.fixture(scope="session")
def server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealtimeServer]:
    """A process that looks at hints only: its slow poll never comes."""
    with realtime_server(tmp_path_factory.mktemp("realtime"), poll_seconds=NEVER) as running:
        yield running


@pytest.fixture(scope="session")
def polling_server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealtimeServer]:
    """A second process, whose slow poll comes all the time."""
    with realtime_server(tmp_path_factory.mktemp("realtime"), poll_seconds=OFTEN) as running:
        yield running


@pytest.fixture
def acme(committed: None) -> Organisation:
    """Alice's organisation, committed: the processes see it, with everybody made in it."""
    return cast.organisation("Acme")


@pytest.fixture
def globex(committed: None) -> Organisation:
    """Charlie's organisation, committed."""
    return cast.organisation("Globex")


@pytest.fixture
def own_valkey(tmp_path: Path, settings: Settings) -> Iterator[ValkeyServer]:
    """A Valkey that may be stopped; this process publishes there too."""
    with ValkeyServer(tmp_path / "valkey") as valkey:
        settings.REDIS_URL = valkey.url
        _forget_redis()
        yield valkey
    _forget_redis()


def _forget_redis() -> None:
    redis_client.forget_redis_client()
    realtime._quiet_until = 0.0
