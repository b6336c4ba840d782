"""Rows that have lived their time: one condition says which, for the count and for the sweep."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from semafore.kernel.hooks import Hold, RetentionSweep

M = TypeVar("M", bound=Model)


def not_held(
    rows: QuerySet[M],
    holds: Iterable[Hold],
    *,
    since: str,
    until: str,
    person: Callable[[UUID], Q],
    room: Callable[[UUID], Q] | None = None,
) -> QuerySet[M]:
    """The rows that no hold covers; all that a hold names must be true of a row, at its edges too.

    `since` and `until` are the row's own time, the same column for what is of one moment. `person`
    and `room` say which rows are of a membership or a room; without `room` none is of any.
    """
    for hold in holds:
        covered = Q()
        if hold.membership_id is not None:
            covered &= person(hold.membership_id)
        if hold.room_id is not None:
            if room is None:
                continue
            covered &= room(hold.room_id)
        if hold.from_at is not None:
            covered &= Q(**{f"{until}__gte": hold.from_at})
        if hold.until_at is not None:
            covered &= Q(**{f"{since}__lte": hold.until_at})
        rows = rows.exclude(covered) if covered else rows.none()
    return rows


def delete(rows: QuerySet[Any]) -> int:
    """Delete them; how many."""
    return rows.delete()[0]


def blank(**values: Any) -> Callable[[QuerySet[Any]], int]:
    """An act for `sweep_rows`: the rows stay, these of their columns become empty."""
    return lambda rows: rows.update(**values)


def sweep_rows(
    sweep: RetentionSweep,
    name: str,
    rows: QuerySet[Any],
    act: Callable[[QuerySet[Any]], int],
    *,
    ready: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows,
    beside: Sequence[str] = (),
) -> None:
    """Count the rows, or do `act` to a batch of them; rows that somebody else works on wait.

    `ready` leaves out what follows in a later batch, after other rows have gone. Rows that foreign
    keys named in `beside` lead to are locked with theirs.
    """
    if sweep.batch is None:
        sweep.rows[name] = rows.count()
        return
    found = ready(rows).select_for_update(skip_locked=True, of=("self", *beside))
    found = found.select_related(*beside) if beside else found.only("pk")
    keys = [row.pk for row in found[: sweep.batch]]
    sweep.rows[name] = act(rows.model._default_manager.filter(pk__in=keys)) if keys else 0  # noqa: SLF001
