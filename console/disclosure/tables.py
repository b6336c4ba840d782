"""The tables of a disclosure report: holdings that have been read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from semafore.kernel.hooks import Holding

COUNTED = frozenset(
    {
        *("one_time_pre_keys", "claims", "messages", "messages_waiting", "messages_missed"),
        *("deliveries", "notices", "skips", "events", "events_waiting"),
        *("idempotent_answers", "denials", "platform_events", "platform_denials"),
    }
)
"""Tables that grow with each act: how many rows, from when until when. So is whatever examines the
person, for the platform's operator reads nobody's audit data."""


@dataclass(slots=True)
class Table:
    """How many rows there are, from when until when, and the rows of those that aren't counted."""

    name: str
    title: str
    columns: list[str]
    note: str
    review: bool
    """It says that somebody examines the person, who must not learn of it by this report."""
    counted: bool
    count: int = 0
    earliest: datetime | None = None
    latest: datetime | None = None
    rows: list[list[object]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """By the names of the fields; rows by the names of the columns."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("name", "title", "note", "review", "count", "earliest", "latest")
        }
        if not self.counted:
            found["rows"] = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return found


def tables(holdings: Iterable[Holding]) -> list[Table]:
    """Each holding, read once; empty ones too, since that nothing is there is an answer."""
    return [_table(one) for one in holdings]


def _table(holding: Holding) -> Table:
    table = Table(
        name=holding.name,
        title=holding.title,
        columns=list(holding.columns),
        note=holding.note,
        review=holding.review,
        counted=holding.review or holding.name in COUNTED,
    )
    for row in holding.rows:
        table.count += 1
        at = next((value for value in row if isinstance(value, datetime)), None)
        if at is not None:
            table.earliest = min(table.earliest or at, at)
            table.latest = max(table.latest or at, at)
        if not table.counted:
            table.rows.append(list(row))
    return table
