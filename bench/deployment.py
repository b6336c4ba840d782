"""SemaFore as production runs it, on durable servers of its own, with an empty database."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import django
import psutil
import psycopg
from psycopg import sql

from semafore.local.postgres import ADMINISTRATOR, DATABASE, ROLE, PostgresCluster
from semafore.local.processes import end_children
from semafore.local.servers import LOCAL, ROOT, environment, secret_key
from semafore.local.valkey import HOST, ValkeyServer, port_answers, port_is_free

DIRECTORY = LOCAL / "bench"
PORTS = range(18_100, 18_200)

# A choice, which measuring has not settled (README.md, Workers and threads).
WORKERS = 2
THREADS = 4


@dataclass(frozen=True, slots=True)
class Deployment:
    """The running servers, and how to start the application's processes beside them."""

    postgres: PostgresCluster
    valkey: ValkeyServer
    port: int
    env: dict[str, str]

    @property
    def base_url(self) -> str:
        """Where the process under test answers."""
        return f"http://{HOST}:{self.port}"

    def administrator(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that may change settings of the server."""
        return psycopg.connect(
            host=str(self.postgres.socket_directory),
            user=ADMINISTRATOR,
            dbname=DATABASE,
            autocommit=True,
        )

    def settle(self) -> None:
        """Leaves no work of one measurement to be done during the next."""
        with self.administrator() as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def database(self) -> psutil.Process:
        """PostgreSQL's first process; the others are below it."""
        pid = (self.postgres.data / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        return psutil.Process(int(pid))

    @contextlib.contextmanager
    def web(
        self,
        *,
        workers: int = WORKERS,
        threads: int = THREADS,
        application: str = "semafore.wsgi:application",
    ) -> Iterator[psutil.Process]:
        """REST as production serves it: Granian, WSGI."""
        # fmt: off
        command = [
            "granian", "--interface", "wsgi", "--host", HOST, "--port", str(self.port),
            "--workers", str(workers), "--blocking-threads", str(threads),
            "--no-ws", "--http", "1", "--log-level", "warning", application,
        ]
        # fmt: on
        with self._process(command, {"DATABASE_POOL_SIZE": str(threads)}) as process:
            yield process

    @contextlib.contextmanager
    def realtime(self) -> Iterator[psutil.Process]:
        """Device sockets as production serves them: Uvicorn, deflate off."""
        # fmt: off
        command = [
            "uvicorn", "semafore.asgi:application", "--host", HOST, "--port", str(self.port),
            "--ws", "websockets-sansio", "--ws-max-size", "131072",
            "--ws-per-message-deflate", "false",
            "--ws-ping-interval", "20", "--ws-ping-timeout", "40", "--loop", "uvloop",
            "--lifespan", "off", "--no-access-log", "--no-server-header", "--log-level", "warning",
        ]
        # fmt: on
        with self._process(command, {}) as process:
            yield process

    @contextlib.contextmanager
    def _process(self, command: Sequence[str], extra: dict[str, str]) -> Iterator[psutil.Process]:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=self.env | extra, cwd=ROOT, start_new_session=True
        )
        try:
            if not port_answers(self.port, seconds=30):
                raise RuntimeError(f"{command[0]} doesn't answer on port {self.port}")
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            end_children(patience=5)


@contextlib.contextmanager
def deployment(**limits: str) -> Iterator[Deployment]:
    """Durable servers below .local/bench, a fresh database, Django set up in this process.

    `limits` are settings by their environment names, for instance limits too low to measure under.
    """
    raise_file_limit()
    port = next(port for port in PORTS if port_is_free(port))
    base_url = f"http://{HOST}:{port}"
    # Servers of its own, always: what a variable names may be somebody's real database.
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with (
        PostgresCluster(DIRECTORY / "postgres", durable=True) as postgres,
        ValkeyServer(DIRECTORY / "valkey") as valkey,
    ):
        settings = {
            "DEBUG": "false",
            "SECRET_KEY": secret_key(DIRECTORY),
            "BASE_URL": base_url,
            "ALLOWED_HOSTS": HOST,
            "DJANGO_SETTINGS_MODULE": "semafore.settings",
            "UNAUTHENTICATED_PER_MINUTE": "1000000",
            "LOG_LEVEL": "WARNING",
            **limits,
            **postgres.env(),
            **valkey.env(),
        }
        made = Deployment(postgres, valkey, port, environment(**settings))
        _fresh_database(postgres)
        os.environ.update(settings)
        django.setup()
        _migrate()
        yield made


def _fresh_database(postgres: PostgresCluster) -> None:
    with psycopg.connect(
        host=str(postgres.socket_directory),
        user=ADMINISTRATOR,
        dbname=ADMINISTRATOR,
        autocommit=True,
    ) as connection:
        database, role = sql.Identifier(DATABASE), sql.Identifier(ROLE)
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database)
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def raise_file_limit() -> None:
    """Thousands of sockets need as many descriptors, here and in what is started from here."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16_384 if hard == resource.RLIM_INFINITY else min(hard, 16_384)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def cpu_of(process: psutil.Process) -> float:
    """Seconds of processor time that a process and those below it have taken."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def resident(process: psutil.Process) -> int:
    """Bytes of memory that a process and those below it hold."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def statements_of(made: Deployment, requests: Sequence[bytes]) -> float:
    """SQL statements a request, the pool's health check, BEGIN and COMMIT included.

    The server logs every statement while the given requests are sent one after the other.
    """
    from bench.load import exchange

    log = made.postgres.log
    with made.administrator() as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)
        start = log.stat().st_size
        exchange(HOST, made.port, requests)
        time.sleep(0.2)
        with log.open("rb") as file:
            file.seek(start)
            logged = file.read()
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
    # One "execute" for each statement of the extended protocol, one "statement" of the simple one.
    return (logged.count(b"LOG:  statement: ") + logged.count(b"LOG:  execute ")) / len(requests)
