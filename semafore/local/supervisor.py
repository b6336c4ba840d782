"""The processes of the Procfile, and the lock that keeps them to one set per checkout."""

import fcntl
import os
import signal
from collections.abc import Collection
from pathlib import Path
from types import FrameType
from typing import Self

from honcho.environ import parse_procfile
from honcho.manager import Manager

from semafore.local.lifecycle import LocalServerError
from semafore.local.servers import ROOT


class Supervisor(Manager):  # type: ignore[misc]  # honcho ships no types
    """honcho's manager, with signals that only leave a note.

    honcho prints from inside its handler, which can fail in the middle of another print, and
    counts its patience with stubborn processes only from the first that has ended.
    """

    def __init__(self, env: dict[str, str], *, leave_out: Collection[str] = ()) -> None:
        """Takes every process of the Procfile but those to `leave_out`."""
        super().__init__()
        self.asked = 0
        self.first_ended = ""
        procfile = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))
        for name, command in procfile.processes.items():
            if name not in leave_out:
                self.add_process(name, command, env=env, cwd=str(ROOT))

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)
        super()._start()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.asked = self.asked or number

    def _any_stopped(self) -> bool:
        """What honcho's loop asks before it ends all: the first that went, or a signal."""
        ended = [name for name, state in self._processes.items() if "returncode" in state]
        if ended and not self.asked and not self.first_ended:
            self.first_ended = ended[0]
        return bool(ended or self.asked)


class RunLock:
    """One run per checkout: two would rewrite each other's demo file and schedule."""

    def __init__(self, directory: Path) -> None:
        """Takes the lock; the kernel frees it when this process ends, however it ends."""
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / "lock").open("a+", encoding="utf-8")
        try:
            # Not flock: honcho's forks would hold that on after this process was killed.
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise LocalServerError(
                f"it already runs from this folder ({holder or 'just starting'}). "
                f"Use that one, or stop it first."
            ) from None
        self.note("just starting")

    def note(self, text: str) -> None:
        """What the next one is told who finds the lock held."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"process {os.getpid()}, {text}\n")
        self._file.flush()

    def __enter__(self) -> Self:
        """Held since it was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """Frees it."""
        self._file.close()
