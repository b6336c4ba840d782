"""A disclosure report in plain text."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import fill

from console.disclosure.limits import IMPOSSIBLE, NOT_LOOKED_AT, Limit
from console.disclosure.report import Disclosure
from console.disclosure.tables import Table
from semafore.kernel import clock

WIDTH = 96
REVIEW = "This says that somebody examines the person: it must not reach them by this report."


def written(disclosure: Disclosure) -> str:
    """What is held, what can't be, what was not looked at."""
    return "\n".join(_lines(disclosure)) + "\n"


def _lines(disclosure: Disclosure) -> Iterator[str]:
    if not disclosure.parts:
        yield f"Nothing is held on {disclosure.phone}: no account, membership or invitation has it."
    if len(disclosure.account_ids) > 1:
        yield (
            f"{disclosure.phone} leads to {len(disclosure.account_ids)} accounts: it changed hands."
        )
    for part in disclosure.parts:
        yield from ("", part.title, "=" * len(part.title))
        for table in part.tables:
            if table.count:
                yield from _table(table)
        empty = [table.title for table in part.tables if not table.count]
        if empty:
            yield from ("", _filled(f"Nothing of: {'; '.join(empty)}."))
    yield from _limits("What the server cannot hold", IMPOSSIBLE)
    yield from _limits("What this report does not look at", NOT_LOOKED_AT)


def _table(table: Table) -> Iterator[str]:
    span = ""
    if table.earliest and table.latest:
        span = f", {_cell(table.earliest)} to {_cell(table.latest)}"
    yield from ("", f"{table.title}: {table.count}{span}")
    for told in (table.note, REVIEW if table.review else ""):
        if told:
            yield _filled(told, "  ")
    for number, row in enumerate(table.rows, 1):
        yield f"  {number}."
        for column, value in zip(table.columns, row, strict=True):
            if value not in (None, "", [], {}):
                yield f"     {column}: {_cell(value)}"


def _limits(title: str, limits: tuple[Limit, ...]) -> Iterator[str]:
    yield from ("", title, "=" * len(title))
    for one in limits:
        yield from ("", f"{one.what}.", _filled(one.why, "  "))
        yield _filled(f"To check: {one.check}", "  ")


def _cell(value: object) -> str:
    text = clock.rfc3339(value) if isinstance(value, datetime) else str(value)
    # What people typed comes as one line, and moves no terminal's cursor.
    return "".join(c if c.isprintable() else " " for c in text)


def _filled(text: str, indent: str = "") -> str:
    return fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
