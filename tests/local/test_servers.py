"""The embedded servers: found again, shared, and got going again after every kind of end."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dj_database_url
import psutil
import psycopg
import pytest
import redis

from semafore.local.lifecycle import LocalServerError
from semafore.local.postgres import PostgresCluster
from semafore.local.processes import Owner, alive
from semafore.local.valkey import ValkeyServer, port_is_free


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not pytest's own temporary folder: for root that one lies where PostgreSQL may not go."""
    with tempfile.TemporaryDirectory(prefix="semafore-test-") as name:
        yield Path(name).resolve()


@pytest.fixture
def cluster(directory: Path) -> Iterator[PostgresCluster]:
    cluster = PostgresCluster(directory / "postgres", durable=False)
    yield cluster.start()
    cluster.stop()


@pytest.fixture
def valkey(directory: Path) -> Iterator[ValkeyServer]:
    valkey = ValkeyServer(directory / "valkey")
    yield valkey.start()
    valkey.stop()


def ask(cluster: PostgresCluster, question: str) -> object:
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row[0] if row else None


def tell(cluster: PostgresCluster, statement: str) -> None:
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(statement.encode())


def processes_of(cluster: PostgresCluster) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if cluster._belongs(process)]


def postmaster_pid(cluster: PostgresCluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])


class TestPostgres:
    def test_the_application_owns_its_database_and_no_more(self, cluster: PostgresCluster) -> None:
        assert ask(cluster, "SELECT current_user::text") == "semafore"
        owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'semafore'"
        assert ask(cluster, owner) == "semafore"
        assert ask(cluster, "SELECT rolsuper FROM pg_roles WHERE rolname = 'semafore'") is False
        assert ask(cluster, "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'semafore'") is True

    def test_it_listens_on_a_private_socket_only(self, cluster: PostgresCluster) -> None:
        assert ask(cluster, "SHOW listen_addresses") == ""
        assert cluster.socket_directory.stat().st_mode & 0o777 == 0o700
        assert cluster.data.stat().st_mode & 0o777 == 0o700

    def test_text_sorts_and_folds_alike_on_every_system(self, cluster: PostgresCluster) -> None:
        assert ask(cluster, "SELECT lower('ÅÉ')") == "åé"
        assert ask(cluster, "SHOW timezone") == "UTC"

    def test_a_failed_statement_leaves_no_value_in_the_log(self, cluster: PostgresCluster) -> None:
        tell(cluster, "CREATE TABLE token (value text PRIMARY KEY)")
        tell(cluster, "INSERT INTO token VALUES ('planted-secret')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            tell(cluster, "INSERT INTO token VALUES ('planted-secret')")
        log = cluster.log.read_text(encoding="utf-8")
        assert "duplicate key" in log
        assert "planted-secret" not in log

    def test_django_understands_the_address(self, cluster: PostgresCluster) -> None:
        settings = dj_database_url.parse(cluster.url)
        assert settings["HOST"] == str(cluster.socket_directory)
        assert (settings["USER"], settings["NAME"]) == ("semafore", "semafore")

    def test_a_restart_keeps_address_and_data(self, cluster: PostgresCluster) -> None:
        address = cluster.url
        tell(cluster, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        cluster.restart()
        assert cluster.url == address
        assert ask(cluster, "SELECT n FROM kept") == 7

    def test_it_recovers_when_everything_of_it_was_killed(self, cluster: PostgresCluster) -> None:
        tell(cluster, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        for process in processes_of(cluster):
            # Those that see the others die end by themselves.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda: not processes_of(cluster))
        assert (cluster.data / "postmaster.pid").exists()
        cluster.start()
        assert ask(cluster, "SELECT n FROM kept") == 7

    def test_it_ends_the_orphans_of_a_killed_postmaster(self, cluster: PostgresCluster) -> None:
        """A stopped backend can't notice that its postmaster died, and holds its memory."""
        with psycopg.connect(cluster.url) as connection:
            orphan = psutil.Process(connection.info.backend_pid)
            orphan.suspend()
            cluster.kill()
            assert not cluster.healthy()
            assert alive(orphan)
            cluster.start()
            assert not alive(orphan)
            connection.close()
        assert ask(cluster, "SELECT 1") == 1

    def test_a_lock_file_with_the_id_of_another_program_is_no_hindrance(
        self, cluster: PostgresCluster
    ) -> None:
        lock = cluster.data / "postmaster.pid"
        written = lock.read_text(encoding="utf-8")
        socket_lock = cluster.socket_directory / ".s.PGSQL.5432.lock"
        cluster.stop()
        for path in (lock, socket_lock):
            path.write_text(written.replace(written.split()[0], str(os.getpid()), 1), "utf-8")
            shutil.chown(path, cluster.data.stat().st_uid, cluster.data.stat().st_gid)
        cluster.start()
        assert postmaster_pid(cluster) != os.getpid()
        assert ask(cluster, "SELECT 1") == 1

    def test_a_half_made_cluster_is_made_again(self, directory: Path) -> None:
        (directory / "postgres" / "data.new").mkdir(parents=True)
        (directory / "postgres" / "data.new" / "PG_VERSION").write_text("18\n", "utf-8")
        with PostgresCluster(directory / "postgres", durable=False) as cluster:
            assert ask(cluster, "SELECT 1") == 1

    def test_somebody_elses_files_are_left_alone(self, directory: Path) -> None:
        (directory / "postgres" / "data").mkdir(parents=True)
        (directory / "postgres" / "data" / "thesis.txt").write_text("mine", "utf-8")
        with pytest.raises(LocalServerError, match="holds files but no PostgreSQL cluster"):
            PostgresCluster(directory / "postgres").start()
        assert (directory / "postgres" / "data" / "thesis.txt").exists()

    def test_a_cluster_of_another_version_is_named(self, cluster: PostgresCluster) -> None:
        cluster.stop()
        (cluster.data / "PG_VERSION").write_text("12\n", "utf-8")
        with pytest.raises(LocalServerError, match="was made by PostgreSQL 12"):
            cluster.start()

    @pytest.mark.parametrize("name", ["a b'c\"%d", "x" * 120], ids=["odd characters", "too long"])
    def test_any_folder_will_do(self, directory: Path, name: str) -> None:
        with PostgresCluster(directory / name, durable=False) as cluster:
            assert ask(cluster, "SELECT 1") == 1
            assert dj_database_url.parse(cluster.url)["HOST"] == str(cluster.socket_directory)
        shutil.rmtree(cluster.socket_directory)

    def test_two_that_start_at_once_share_one(self, directory: Path) -> None:
        clusters = [PostgresCluster(directory / "postgres", durable=False) for _ in range(3)]
        threads = [threading.Thread(target=cluster.start) for cluster in clusters]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        try:
            assert len({postmaster_pid(cluster) for cluster in clusters}) == 1
        finally:
            clusters[0].stop()


class TestOwnership:
    def test_a_guest_leaves_the_server_running(self, cluster: PostgresCluster) -> None:
        code = (
            "import sys; from semafore.local.postgres import PostgresCluster\n"
            "with PostgresCluster(sys.argv[1]) as cluster: print(cluster.owned)"
        )
        guest = [sys.executable, "-c", code, str(cluster.directory)]
        said = subprocess.run(guest, check=True, capture_output=True, text=True).stdout
        assert said.strip() == "False"
        assert cluster.healthy()

    def test_an_heir_takes_over_from_a_killed_owner(self, directory: Path) -> None:
        code = (
            "import os, sys; from semafore.local.valkey import ValkeyServer\n"
            "ValkeyServer(sys.argv[1]).start(); os._exit(9)"
        )
        place = directory / "valkey"
        subprocess.run([sys.executable, "-c", code, str(place)], check=False)
        with ValkeyServer(place) as heir:
            assert heir.healthy()
            assert heir.owned
        assert not heir.healthy()

    def test_a_reused_process_id_is_not_the_owner(self, directory: Path) -> None:
        owner = Owner(directory / "owner")
        (directory / "owner").write_text(f"{os.getppid()} 12345.0\n", "utf-8")
        assert not owner.is_somebody_else()


class TestValkey:
    def test_it_wants_the_password_and_writes_nothing_down(self, valkey: ValkeyServer) -> None:
        stranger = redis.Redis(host="127.0.0.1", port=valkey.port)
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis.from_url(valkey.url) as client:
            assert client.config_get("save") == {"save": ""}
        assert valkey.configuration.stat().st_mode & 0o777 == 0o600

    def test_a_client_finds_it_again_after_a_restart(self, valkey: ValkeyServer) -> None:
        with redis.Redis.from_url(valkey.url) as client:
            client.ping()
            valkey.stop()
            with pytest.raises(redis.ConnectionError):
                client.ping()
            valkey.start()
            assert client.ping()

    def test_another_process_stops_and_starts_the_same(self, valkey: ValkeyServer) -> None:
        second = ValkeyServer(valkey.directory)
        second.stop()
        assert not valkey.healthy()
        second.start()
        assert second.url == valkey.url
        assert valkey.healthy()

    def test_it_recovers_from_a_kill(self, valkey: ValkeyServer) -> None:
        address = valkey.url
        valkey.kill()
        assert not valkey.healthy()
        assert valkey.start().url == address
        assert valkey.healthy()

    def test_a_process_id_of_another_program_is_left_alone(self, valkey: ValkeyServer) -> None:
        valkey.stop()
        (valkey.directory / "valkey.pid").write_text(f"{os.getpid()}\n", "utf-8")
        valkey.start()
        assert valkey.healthy()

    def test_it_moves_when_its_port_was_taken(self, valkey: ValkeyServer) -> None:
        valkey.stop()
        taken = valkey.port
        with socket.create_server(("127.0.0.1", taken)):
            valkey.start()
            assert valkey.port != taken
            assert valkey.healthy()

    def test_a_path_with_a_space(self, directory: Path) -> None:
        with ValkeyServer(directory / "a b") as valkey:
            assert valkey.healthy()
        assert port_is_free(valkey.port)


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
