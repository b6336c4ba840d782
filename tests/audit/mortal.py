"""A log process to be killed at any moment: `python -m tests.audit.mortal FOLDER`.

A line in (seconds to live; `whole` is a life that ends by itself), a line out (seconds it lasted).
Each life is a fork that sequences and signs; two of them compete.
"""

import os
import signal
import sys
import time
from pathlib import Path

# Sets Django up, so it comes before everything else.
import semafore.wsgi  # noqa: F401

# isort: split
from django.db import connection

from audit.log_process import LogProcess
from audit.state import SignerState

RIVALS = 2


def main(folder: Path) -> None:
    for line in sys.stdin:
        lives = [start(folder) for _ in range(RIVALS)]
        for _, ready in lives:
            os.read(ready, 1)
            os.close(ready)
        began = time.monotonic()
        if line != "whole\n":
            time.sleep(float(line))
            for process, _ in lives:
                os.kill(process, signal.SIGKILL)
        for process, _ in lives:
            os.waitpid(process, 0)
        print(time.monotonic() - began, flush=True)  # noqa: T201 - read by the test


def start(folder: Path) -> tuple[int, int]:
    """Its id, and where it says that it is at work."""
    ready, said = os.pipe()
    process = os.fork()
    if process == 0:
        connection.ensure_connection()
        os.write(said, b".")
        with SignerState(folder) as state:
            LogProcess(state).drain()
        os._exit(0)
    os.close(said)
    return process, ready


if __name__ == "__main__":
    main(Path(sys.argv[1]))
