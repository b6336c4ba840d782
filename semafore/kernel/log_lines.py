"""Production's log lines: a JSON object each, and nothing in it that a request held.

Values reach log lines in two ways: as words of an exception (PostgreSQL quotes the row, a mail
server the address), and as words of somebody else's logger. So an exception says where it was
raised, of which kind it is, and no words but those of `plain_words`; and of loggers that quote
requests the words are replaced. Everything else in a line is named in FIELDS.
"""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final

import psycopg
import redis
import structlog
from django.conf import settings
from django.db import DatabaseError
from django_scopes import get_scope
from psycopg_pool import PoolTimeout
from structlog.typing import EventDict

from semafore.kernel.logs import process_name, request_id_var, task_var
from semafore.kernel.problems import Problem

FIELDS: Final = (
    "method",
    "route",
    "status",
    "milliseconds",
    "organisation",
    "task",
    "task_id",
    "outcome",
)
"""What a caller may add to a line (`extra`)."""

QUOTING: Final = ("django.request", "django.security", "django.server", "celery.app.trace")
"""Loggers whose words are paths, headers and what else a request brought."""

CAUSED: Final = "which was the cause of"
DURING: Final = "while it was handled there came"


def plain_words(error: BaseException) -> str:
    """What may be told of an exception beside its kind: words that hold nobody's values.

    Our own exceptions are written so; of others a few kinds speak of machines alone.
    """
    match error:
        case Problem():
            return error.code
        case psycopg.Error() | DatabaseError():
            return _of_database(error)
        case PoolTimeout() | redis.ConnectionError() | redis.TimeoutError():
            return _first_line(error)
        case OSError(strerror=str() as said):
            return said
        case _ if _is_ours(type(error).__module__.partition(".")[0]):
            return _first_line(error)
    return ""


def _of_database(error: BaseException) -> str:
    """Which rule was broken, or why there is no connection; never a row, a value or a statement."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if not isinstance(cause, psycopg.Error):
        return ""
    found = cause.diag
    if found.sqlstate is None:
        # It comes from the driver: no server has said anything.
        return _first_line(cause) if isinstance(cause, psycopg.OperationalError) else ""
    named = (found.sqlstate, found.table_name, found.column_name, found.constraint_name)
    return " ".join(name for name in named if name)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


@cache
def _is_ours(package: str) -> bool:
    return (settings.ROOT / package).is_dir()


def exception_text(error: BaseException) -> str:
    """The frames and kinds of an exception and of those that it came of; no values of variables."""
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield CAUSED if error.__cause__ else DURING
    yield from _frames(error.__traceback__)
    kind, words = type(error), plain_words(error)
    yield f"{kind.__module__}.{kind.__qualname__}" + (f": {words}" if words else "")
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield "one of them:"
        yield from _lines(one, seen)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        yield f"  {frame.filename}:{frame.lineno} {frame.name}"


def _say(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """The words, with exceptions among them told plainly."""
    record: logging.LogRecord = line["_record"]
    line["event"], args = str(record.msg), record.args
    if record.name.startswith(QUOTING):
        status = getattr(record, "status_code", None)
        line["event"] = HTTPStatus(status).phrase if status else "(withheld)"
    elif args:
        if isinstance(args, tuple):
            args = tuple(_plain(one) if isinstance(one, BaseException) else one for one in args)
        line["event"] %= args
    return line


def _plain(error: BaseException) -> str:
    words = plain_words(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _place(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """When, where, for which request, task and organisation."""
    record: logging.LogRecord = line["_record"]
    placed: EventDict = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "process": process_name(),
        "logger": record.name,
        "event": line["event"],
    }
    request = getattr(record, "request", None)
    request_id = getattr(request, "request_id", None) or request_id_var.get()
    if request_id != "-":
        placed["request_id"] = request_id
    if (task := task_var.get()) is not None:
        placed["task"], placed["task_id"] = task
    if (organisation := get_scope().get("organisation")) is not None:
        placed["organisation"] = str(organisation)
    return {**placed, **line}


def _explain(_logger: Any, _method: str, line: EventDict) -> EventDict:
    record: logging.LogRecord = line.pop("_record")
    if record.exc_info and (error := record.exc_info[1]) is not None:
        line["exception"] = exception_text(error)
    return line


# One for all lines: making it costs as much as a line.
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, default=lambda one: type(one).__name__, check_circular=False
)


def _encode(line: EventDict, **_: Any) -> str:
    return _ENCODER.encode(line)


_CHAIN: Final[tuple[Callable[[Any, str, Any], Any], ...]] = (
    _say,
    structlog.stdlib.ExtraAdder(allow=FIELDS),
    _place,
    _explain,
    structlog.processors.JSONRenderer(serializer=_encode),
)


class JsonLines(logging.Formatter):
    """A record through structlog's processors, for `settings.LOGGING`.

    structlog's own formatter copies each record twice before it begins: half of a line's cost.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: Any = {"_record": record}
        for processor in _CHAIN:
            line = processor(None, record.levelname, line)
        return str(line)
