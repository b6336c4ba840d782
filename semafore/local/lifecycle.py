"""What the embedded servers have in common: one at a time, owned, restartable, recoverable."""

import abc
import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from semafore.local.processes import Owner


class LocalServerError(RuntimeError):
    """A server can't be had; the message says why and what to do."""


class LocalServer(abc.ABC):
    """A server that lives in one directory, shared by every process that names the directory."""

    def __init__(self, directory: Path | str) -> None:
        """Nothing is written or started before `start`."""
        self.directory = Path(directory).absolute()
        self.owned = False
        self._owner = Owner(self.directory / "owner")

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """How the application connects; known once it has been started."""

    @abc.abstractmethod
    def env(self) -> dict[str, str]:
        """The settings that point the application here."""

    @abc.abstractmethod
    def healthy(self) -> bool:
        """Whether the server of this directory answers."""

    @abc.abstractmethod
    def _start(self) -> None:
        """Clears away what a dead server left and starts a new one; returns when it answers."""

    @abc.abstractmethod
    def _stop(self) -> None:
        """Ends the server and everything that belongs to it."""

    @abc.abstractmethod
    def kill(self) -> None:
        """Ends the server as a power cut would, for tests of failure."""

    def start(self) -> Self:
        """Starts the server, or shares the healthy one that another process started.

        A server whose owner is gone is taken over, so a killed command leaves nothing for ever.
        """
        with self._alone():
            if not self.healthy():
                self._start()
                self.owned = True
            elif not self._owner.is_somebody_else():
                self.owned = True
            if self.owned:
                self._owner.claim()
        return self

    def stop(self) -> None:
        """Stops the server, whoever started it."""
        with self._alone():
            self._stop()
            self._owner.release()

    def restart(self) -> None:
        """Stops and starts it; its address stays the same."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops the server if it is ours, leaves a shared one to its owner."""
        if self.owned:
            self.stop()
            self.owned = False

    def __enter__(self) -> Self:
        """Starts it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stops it if it is ours."""
        self.close()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Holds off every other process's start and stop; the kernel frees a dead holder's lock."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
