"""Redis and PostgreSQL come and go; sockets stay, and what was missed is found."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.models import Room
from orgs.models import Membership, Organisation
from semafore.kernel import realtime
from semafore.local.postgres import PostgresCluster
from semafore.local.servers import ROOT, environment
from semafore.local.valkey import ValkeyServer
from tests import migrated
from tests.cast import Phone
from tests.messaging import talk
from tests.realtime import acts
from tests.realtime.processes import (
    NEVER,
    OFTEN,
    RealtimeServer,
    becomes,
    close_code,
    elsewhere,
    frame,
    hello,
    realtime_server,
    stays_quiet,
)


@pytest.fixture
def hinted(committed: None, own_valkey: ValkeyServer, tmp_path: Path) -> Iterator[RealtimeServer]:
    """A process on a Valkey that may be stopped, without a slow poll."""
    with realtime_server(tmp_path, poll_seconds=NEVER, redis_url=own_valkey.url) as running:
        yield running


@pytest.fixture
def polling(committed: None, own_valkey: ValkeyServer, tmp_path: Path) -> Iterator[RealtimeServer]:
    """Another with a slow poll that comes all the time."""
    with realtime_server(tmp_path, poll_seconds=OFTEN, redis_url=own_valkey.url) as running:
        yield running


async def test_sockets_outlive_valkey_and_look_when_it_is_back(
    hinted: RealtimeServer, own_valkey: ValkeyServer, alice_phone: Phone, bob_phone: Phone
) -> None:
    async with (
        hinted.open(await elsewhere(alice_phone.api.token)) as alices,
        hinted.open(await elsewhere(bob_phone.api.token)) as bobs,
    ):
        await hello(alices)
        await hello(bobs)
        await asyncio.to_thread(own_valkey.stop)
        assert await stays_quiet(alices)
        # Said to nobody; each is found once the channels are heard again.
        await elsewhere(acts.revoke, bob_phone)
        await elsewhere(acts.set_stock, alice_phone, 2)
        assert await stays_quiet(bobs)
        await asyncio.to_thread(own_valkey.start)
        assert await close_code(bobs) == 4401
        assert (await frame(alices))["available"] == 2
        await _hints_come_again(alice_phone)
        assert await close_code(alices) == 4401
    log = hinted.log.read_text()
    assert log.count("no hints from Redis") == 1
    assert log.count("hints from Redis again") == 1
    assert "Traceback" not in log
    assert '"exception"' not in log


async def _hints_come_again(phone: Phone) -> None:
    """The publisher keeps quiet for some seconds after a failure (kernel/realtime.py)."""
    await asyncio.sleep(max(0.0, realtime._quiet_until - time.monotonic()))
    await elsewhere(acts.revoke, phone)


async def test_without_valkey_the_slow_poll_closes_and_tells(
    polling: RealtimeServer, own_valkey: ValkeyServer, alice_phone: Phone, bob_phone: Phone
) -> None:
    token = await elsewhere(alice_phone.api.token)
    await asyncio.to_thread(own_valkey.kill)
    async with (
        polling.open(token) as alices,
        polling.open(await elsewhere(bob_phone.api.token)) as bobs,
    ):
        await hello(alices)
        await hello(bobs)
        await elsewhere(acts.set_stock, alice_phone, 2)
        assert (await frame(alices))["available"] == 2
        await elsewhere(acts.revoke, bob_phone)
        assert await close_code(bobs) == 4401
        async with polling.open(token) as second:
            await hello(second)
            assert await close_code(alices) == 4409


async def test_without_valkey_the_newer_socket_wins_across_processes(
    polling: RealtimeServer,
    hinted: RealtimeServer,
    own_valkey: ValkeyServer,
    alice_phone: Phone,
) -> None:
    token = await elsewhere(alice_phone.api.token)
    await asyncio.to_thread(own_valkey.stop)
    async with polling.open(token) as first:
        await hello(first)
        async with hinted.open(token) as second:
            assert (await hello(second))["type"] == "hello"
            assert await close_code(first) == 4409
            assert await stays_quiet(second)


async def test_a_token_still_expires_without_valkey(
    hinted: RealtimeServer, own_valkey: ValkeyServer, alice_phone: Phone
) -> None:
    token = await elsewhere(alice_phone.api.token)
    await asyncio.to_thread(own_valkey.stop)
    await elsewhere(acts.expire_token, alice_phone, in_seconds=acts.SOON)
    async with hinted.open(token) as socket:
        await hello(socket)
        assert await close_code(socket) == 4408


async def test_without_valkey_messages_are_accepted_and_the_slow_poll_delivers(
    polling: RealtimeServer, own_valkey: ValkeyServer, room: Room, alice_phone: Phone,
    bob_phone: Phone,
) -> None:  # fmt: skip
    async with polling.open(await elsewhere(bob_phone.api.token)) as socket:
        await hello(socket)
        await asyncio.to_thread(own_valkey.kill)
        for _ in range(3):
            body = talk.message([bob_phone])
            await elsewhere(alice_phone.api.send_message, room.id, body)
            received = await frame(socket)
            assert received["message_id"] == body["message_id"]
            await socket.acknowledge([received["envelope_id"]])
    await becomes(0, acts.waiting, bob_phone)


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    """A room of Alice and Bob."""
    return talk.group(acme, alice, bob)


async def test_sockets_outlive_postgresql(own_valkey: ValkeyServer, tmp_path: Path) -> None:
    with migrated.cluster(tmp_path / "postgres", durable=False) as postgres:
        device = json.loads(await manage(postgres, "shell", "--no-imports", "-c", ENROL))
        with realtime_server(
            tmp_path, poll_seconds=1, redis_url=own_valkey.url, database=postgres.url
        ) as server:
            async with server.open(device["token"]) as socket:
                await hello(socket)
                assert (await frame(socket))["available"] == 3
                envelope = await frame(socket)
                await asyncio.to_thread(postgres.stop)
                await socket.acknowledge([envelope["envelope_id"]])
                async with server.open(device["token"]) as another:
                    assert await close_code(another) == 1013
                # A look waits ten seconds for a connection.
                await becomes(True, could_not_look, server)  # noqa: FBT003 - what it becomes
                assert await stays_quiet(socket)
                await asyncio.to_thread(postgres.start)
                acknowledged = ACKNOWLEDGED.format(**device)
                outcomes = await manage(postgres, "shell", "--no-imports", "-c", acknowledged)
                assert json.loads(outcomes) == ["delivered"]
                revoke = REVOKE.format(**device)
                await manage(postgres, "shell", "--no-imports", "-c", revoke)
                assert await close_code(socket) == 4401
            log = server.log.read_text()
    assert "Traceback" not in log
    assert '"exception"' not in log


def could_not_look(server: RealtimeServer) -> bool:
    return "sockets could not look: OperationalError" in server.log.read_text()


ENROL = "from tests.realtime.another_database import *; enrol()"
ACKNOWLEDGED = "from tests.realtime.another_database import *; acknowledged('{organisation}')"
REVOKE = "from tests.realtime.another_database import *; revoke('{organisation}', '{device}')"


async def manage(postgres: PostgresCluster, *words: str) -> str:
    """Run manage.py on this cluster; what it prints."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "manage.py", *words],
        env=environment(DATABASE_URL=postgres.url),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
