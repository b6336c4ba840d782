"""What log lines say beside their words: which process, which request, which task, whose.

Production's lines are JSON (`kernel/log_lines.py`); the line of development is made here.
"""

import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from uuid import UUID

request_id_var: ContextVar[str] = ContextVar("request_id", default="-")
task_var: ContextVar[tuple[str, str] | None] = ContextVar("task", default=None)
"""Name and id of the task that runs."""
entered_var: ContextVar[set[UUID] | None] = ContextVar("entered", default=None)
"""The organisations that were entered (`kernel.tenancy`); None where nobody asks."""

ACCESS: Final = "semafore.access"
"""The logger of requests, sockets and tasks: a line each."""


TOKEN = re.compile(r"(?<=/link/)[^/\s]+")
"""What stands at the end of a mailed link (orgs/urls_account.py)."""

logger = logging.getLogger(__name__)


class _Process:
    """What this process is."""

    name = "command"


def process_name() -> str:
    """`web`, `realtime`, `worker`, `beat`, `log`, or `command`."""
    return _Process.name


def this_process_is(name: str) -> None:
    """Say what this process is, once, where it starts."""
    _Process.name = name


def end_in_the_log() -> None:
    """What this process or one of its threads dies of is a log line too, told as plainly."""
    sys.excepthook = lambda kind, error, trace: logger.critical(
        "the process ends", exc_info=(kind, error, trace)
    )
    threading.excepthook = lambda died: logger.error(
        "a thread ended", exc_info=died.exc_value or True
    )


@contextmanager
def organisations_entered() -> Iterator[set[UUID]]:
    """Within the block, each organisation whose scope is entered comes into the set."""
    entered: set[UUID] = set()
    token = entered_var.set(entered)
    try:
        yield entered
    finally:
        entered_var.reset(token)


class TokenFilter(logging.Filter):
    """Takes the tokens of mailed links out: Django names the paths that it refuses."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                TOKEN.sub("…", one) if isinstance(one, str) else one for one in record.args
            )
        return True


class RequestIdFilter(logging.Filter):
    """Adds `request_id` to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        # Django logs an answer of 4xx or 5xx after the middleware is through, with its request.
        request = getattr(record, "request", None)
        record.request_id = getattr(request, "request_id", None) or request_id_var.get()
        return True
