"""Other processes: are they alive, are they the ones we think, and how to end them."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

# What psutil raises about a process that ends while it is looked at, or that isn't ours to see.
UNSEEN = (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ProcessLookupError)


def alive(process: psutil.Process) -> bool:
    """Whether it still runs: a zombie that nobody has reaped yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except UNSEEN:
        return False


def running(pid: int) -> psutil.Process | None:
    """The live process of this id."""
    try:
        process = psutil.Process(pid)
    except (psutil.NoSuchProcess, ValueError):
        return None
    return process if alive(process) else None


def end(processes: Iterable[psutil.Process], *, patience: float, polite: int) -> bool:
    """Signals each, waits `patience` seconds, kills the rest; whether all went politely."""
    stubborn = _signal(list(processes), polite, patience)
    _signal(stubborn, signal.SIGKILL, 5)
    return not stubborn


def _signal(processes: list[psutil.Process], number: int, seconds: float) -> list[psutil.Process]:
    """Signals those that live, and names those that live on after so many seconds."""
    for process in processes:
        if alive(process):
            with contextlib.suppress(*UNSEEN):
                process.send_signal(number)
    return _outlasting(processes, seconds)


def _outlasting(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that live on after so many seconds.

    psutil's own wait counts a dead process as there until its parent has asked after it.
    """
    deadline = time.monotonic() + seconds
    while (left := [each for each in processes if alive(each)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def end_children(*, patience: float) -> None:
    """Ends every process that this one started and that still runs, with all below them."""
    children = psutil.Process().children(recursive=True)
    end(children, patience=patience, polite=signal.SIGTERM)


def marked(name: str, value: str) -> list[psutil.Process]:
    """The processes that have this variable in their environment; never ourselves or a parent."""
    me = psutil.Process()
    spared = {me.pid, *(parent.pid for parent in me.parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(*UNSEEN):
            if process.pid not in spared and process.environ().get(name) == value:
                found.append(process)
    return found


def parent(process: psutil.Process) -> psutil.Process | None:
    """The process that started it, if that one lives."""
    with contextlib.suppress(*UNSEEN):
        return process.parent()
    return None


def words(process: psutil.Process) -> list[str]:
    """Its command line, empty where it can't be seen."""
    with contextlib.suppress(*UNSEEN):
        return process.cmdline()
    return []


class Owner:
    """A file that says which process is answerable for a server, so that an heir can tell."""

    def __init__(self, path: Path) -> None:
        """Reads and writes `path`."""
        self._path = path

    def claim(self) -> None:
        """Puts this process down as the owner."""
        me = psutil.Process()
        self._path.write_text(f"{me.pid} {me.create_time()}\n", encoding="utf-8")

    def release(self) -> None:
        """Nobody is the owner any more."""
        self._path.unlink(missing_ok=True)

    def is_somebody_else(self) -> bool:
        """Whether another live process owns it; the start time tells a reused id apart."""
        try:
            pid, created = self._path.read_text(encoding="utf-8").split()
            process = running(int(pid))
            return (
                process is not None
                and process.pid != os.getpid()
                # Some systems round the start time differently from one read to the next.
                and abs(process.create_time() - float(created)) < 1
            )
        except (OSError, ValueError, *UNSEEN):
            return False
