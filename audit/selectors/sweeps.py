"""What retention says that it deleted (audit-log.md, Retention): `retention.swept` of class 4."""

import heapq
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from audit.logs import Log
from audit.registry import EventClass

SWEPT = "retention.swept"

RECORDS = """
SELECT what FROM {t}event WHERE {own}class = %(class)s AND what IS NOT NULL
"""

Kind = tuple[int, str]
"""Event class and part."""


@dataclass(slots=True)
class _Ranges:
    """The ranges of one class and part, gone through once from the first entry to the last."""

    coming: list[tuple[int, int, int]] = field(default_factory=list)
    """First, last, count."""
    open: list[list[int]] = field(default_factory=list)
    """A heap of last and what is left of the count: who ends first is used up first."""

    def covers(self, seq: int) -> bool:
        while self.coming and self.coming[0][0] <= seq:
            _, last, count = heapq.heappop(self.coming)
            heapq.heappush(self.open, [last, count])
        while self.open and (self.open[0][0] < seq or not self.open[0][1]):
            heapq.heappop(self.open)
        if not self.open:
            return False
        self.open[0][1] -= 1
        return True


class Sweeps:
    """Which gaps are accounted for: no more of a range than its record counted."""

    def __init__(self) -> None:
        self._ranges: defaultdict[Kind, _Ranges] = defaultdict(_Ranges)

    def add(self, swept: dict[str, Any]) -> None:
        """A range of a record: class, part, first, last, count."""
        coming = self._ranges[swept["class"], swept["part"]].coming
        heapq.heappush(coming, (swept["first"], swept["last"], swept["count"]))

    def covers(self, seq: int, event_class: int, part: str) -> bool:
        """Whether the part that is missing at `seq` was swept; asked once each, in their order."""
        return self._ranges[event_class, part].covers(seq)


def sweeps_of(log: Log) -> Sweeps:
    """Every range of the log's records."""
    found = Sweeps()
    with connection.cursor() as cursor:
        cursor.execute(log.sql(RECORDS), log.parameters(**{"class": EventClass.RETENTION}))
        for (what,) in cursor.fetchall():
            event = json.loads(bytes(what))
            if event["type"] == SWEPT:
                for swept in event["data"]["swept"]:
                    found.add(swept)
    return found
