"""What leaves the server as evidence: its routes, and what their answers say."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.urls import URLPattern

from semafore.kernel.checks import walk_routes
from tests.console_rows import PREFIX, TABLE

CONSOLE = re.compile(
    re.escape(PREFIX) + r"(audit|exports|proofs|reports|siem|playbooks|retention)\b"
)
PROGRAMS = "api/audit/"

OF_THE_REQUEST = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]+"'
    r'|(?:name="cursor" value="|cursor=|"next": ?")[A-Za-z0-9_=-]+'
)
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|\d\d:\d\d:\d\d")


def routes() -> list[tuple[str, URLPattern]]:
    """Of the console and of the audit API, without the log's own tiles, which have no id."""
    return [
        (path, pattern)
        for path, pattern in sorted(walk_routes(), key=lambda one: one[0])
        if CONSOLE.match(path) or (path.startswith(PROGRAMS) and "/log/" not in path)
    ]


def methods_of(pattern: URLPattern) -> list[str]:
    """GET and POST, as far as the view has them."""
    view: Any = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", 0)
    return [method for method in ("GET", "POST") if hasattr(view, method.lower())]


def filled_in(route: str, slug: str, ids: dict[str, Any]) -> str:
    """The address, with what stands for each argument."""
    path = "/" + route.replace("<slug:slug>", slug)
    about = (
        {name: ids[other] for name, other in TABLE[route].about.items()}
        if ids and (route in TABLE)
        else {}
    )
    for name, value in {**ids, **about}.items():
        path = path.replace(f"<uuid:{name}>", str(value))
    assert "<" not in path, path
    return path


def texts_of(answer: Any, ids: Iterable[Any]) -> str:
    """All that an answer shows, but the request's own, times, and what was asked for."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    told = sorted(f"{name}: {value}" for name, value in answer.headers.items())
    text = "\n".join([*told, body.decode("utf-8", "replace")])
    text = text.replace(answer["X-Request-ID"], "")
    for one in {str(one) for one in ids if len(str(one)) >= 32}:
        text = text.replace(one, "{id}")
    return TIMES.sub("{time}", OF_THE_REQUEST.sub("", text))


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that is sent, without its parameters."""
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        sent.append(re.sub(r'"s\d+_x\d+"', "a savepoint", sql.strip()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent
