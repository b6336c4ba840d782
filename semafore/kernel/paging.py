"""Keyset paging: no OFFSET and no COUNT, so page 1000 costs what page 1 does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db.models import Model, Q, QuerySet

from semafore.kernel.problems import Malformed
from semafore.kernel.sealing import seal, unseal
from semafore.kernel.tenancy import current_organisation_id

M = TypeVar("M", bound=Model)
R = TypeVar("R")

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and an opaque cursor to those after them; None on the last page."""

    rows: list[R]
    next: str | None


def paginate(
    rows: QuerySet[M], *, by: Sequence[str], cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[M]:
    """A page of `rows` in the order of the fields `by`, of which the last is unique.

    A leading "-" on all of them turns the order round. Raises Malformed for a cursor that is not
    one of ours.
    """
    descending = by[0].startswith("-")
    names = [name.removeprefix("-") for name in by]
    if cursor:
        rows = rows.filter(_after(names, open_cursor(by, cursor), descending=descending))
    found = list(rows.order_by(*by)[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    if not more:
        return Page(found, None)
    return Page(found, seal_cursor(by, [_value(found[-1], name) for name in names]))


def _after(names: Sequence[str], values: Sequence[Any], *, descending: bool) -> Q:
    """(a, b) > (x, y), as `a >= x AND (a > x OR (a = x AND b > y))`: so an index serves."""
    operator = "lt" if descending else "gt"
    name, value = names[0], values[0]
    beyond = Q(**{f"{name}__{operator}": value})
    if len(names) == 1:
        return beyond
    rest = _after(names[1:], values[1:], descending=descending)
    return Q(**{f"{name}__{operator}e": value}) & (beyond | rest)


def _value(row: Model, name: str) -> Any:
    value: Any = row
    for part in name.split("__"):
        value = getattr(value, part)
    return value


def seal_cursor(by: Sequence[str], values: Sequence[Any]) -> str:
    """The cursor to what comes after these values in the order `by`.

    Sealed, since the values may be people's names, and addresses are logged. It serves in the
    organisation in scope alone.
    """
    plain = [_plain(value) for value in values]
    return seal(json.dumps([*_of_here(by), plain]).encode()).decode()


def open_cursor(by: Sequence[str], cursor: str) -> list[Any]:
    """Its values. Raises Malformed for one that is not of this order and this organisation."""
    try:
        organisation, order, values = json.loads(unseal(cursor.encode()))
    except (InvalidToken, ValueError):
        # Also one that was sealed for something else, and so has another shape.
        organisation, order, values = None, None, []
    if [organisation, order] != _of_here(by):
        raise Malformed(detail="This page's address is not complete. Start at the first page.")
    return [_parse(value) for value in values]


def _of_here(by: Sequence[str]) -> list[Any]:
    return [str(current_organisation_id()), list(by)]


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return {"t": value.isoformat()}
        case UUID():
            return {"u": value.hex}
        case _:
            return value


def _parse(value: Any) -> Any:
    match value:
        case {"t": str(text)}:
            return datetime.fromisoformat(text)
        case {"u": str(text)}:
            return UUID(text)
        case _:
            return value
