"""Redis behind a real Sentinel: the primary is found, and found again after a failover."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from semafore import redis_url
from semafore.celery import application
from semafore.kernel.redis_client import async_client, new_client
from semafore.local.valkey import _program
from tests.deployment import free_port

PATIENCE = 120


@contextlib.contextmanager
def server(folder: Path, port: int, *lines: str, sentinel: bool = False) -> Iterator[int]:
    """A server of its own configuration; it ends with the block."""
    folder.mkdir()
    configuration = folder / "valkey.conf"
    configuration.write_text("\n".join([f"port {port}", "bind 127.0.0.1", f"dir {folder}", *lines]))
    command = [str(_program()), str(configuration), *(["--sentinel"] if sentinel else [])]
    with (folder / "log").open("wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until(lambda: answers(port))
        yield port
    finally:
        running.kill()
        running.wait()


def answers(port: int) -> bool:
    with contextlib.suppress(redis.RedisError), redis.Redis(port=port, socket_timeout=1) as client:
        return bool(client.ping())
    return False


def holds(port: int, key: str) -> bool:
    """False, too, while it still loads what the primary sent."""
    with contextlib.suppress(redis.RedisError), redis.Redis(port=port, db=3) as client:
        return bool(client.get(key) == b"1")
    return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_clients_follow_the_primary(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, watcher = free_port(), free_port(), free_port()
    watch = (
        f"sentinel monitor semafore 127.0.0.1 {one} 1",
        # Nobody is held for dead who is merely slow, but where a test says so.
        f"sentinel down-after-milliseconds semafore {PATIENCE * 1000}",
        "sentinel failover-timeout semafore 2000",
    )
    monkeypatch.setenv("REDIS_URL", f"sentinel://127.0.0.1:{watcher}/semafore/3")
    settings.REDIS = redis_url.read("REDIS_URL", "")
    with contextlib.ExitStack() as first:
        first.enter_context(server(tmp_path / "one", one))
        with (
            server(tmp_path / "two", two, f"replicaof 127.0.0.1 {one}"),
            server(tmp_path / "watcher", watcher, *watch, sentinel=True),
        ):
            sentinel = redis.Redis(port=watcher)
            client = new_client(socket_timeout=0.5, socket_connect_timeout=0.5)

            def writes(key: str) -> bool:
                with contextlib.suppress(redis.RedisError):
                    return bool(client.set(key, 1))
                return False

            until(lambda: writes("before"))
            assert holds(one, "before")
            until(lambda: len(sentinel.sentinel_slaves("semafore")) == 1)
            until(lambda: holds(two, "before"))

            first.close()
            sentinel.sentinel_set("semafore", "down-after-milliseconds", 300)
            until(lambda: writes("after"))
            sentinel.sentinel_set("semafore", "down-after-milliseconds", PATIENCE * 1000)
            assert holds(two, "after")
            async with async_client(socket_connect_timeout=2) as listening:
                assert await listening.get("after") == b"1"
            with application.connection_for_write(
                settings.REDIS.url, transport_options={"master_name": "semafore"}
            ) as broker:
                broker.ensure_connection(max_retries=1)
            sentinel.close()
            client.close()


@pytest.mark.parametrize(
    "url", ["redis+cluster://one:6379,two:6379", "cluster://one:6379", "sentinel://one:26379"]
)
def test_what_can_not_be_used_is_refused_with_a_remedy(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"REDIS_URL is .hidden.*Remedy: .*sentinel://"):
        redis_url.read("REDIS_URL", "")


def test_passwords_and_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "sentinel://:s%40fe@one,two:5000/main")
    found = redis_url.read("REDIS_URL", "")
    assert found.sentinels == (("one", 26379), ("two", 5000))
    assert (found.service, found.database, found.password) == ("main", 0, "s@fe")
    assert found.url == "sentinel://:s%40fe@one:26379/0;sentinel://:s%40fe@two:5000/0"
