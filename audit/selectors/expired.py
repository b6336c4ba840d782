"""Which parts of which events have lived their time, and which of those a hold covers.

Sweeps delete by what stands here and previews count by it: there is no second definition.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from audit.models import RetentionPeriods, Sweep
from audit.registry import EventClass
from semafore.kernel import clock, hooks
from semafore.kernel.tenancy import current_organisation_id

Part = Literal["who", "what"]


@dataclass(frozen=True, slots=True)
class Step:
    """Parts of a class that end together; the event goes with its `what`, which is never first."""

    event_class: EventClass
    parts: tuple[Part, ...]
    lives: Literal["metadata", "audit", "existence", "device"]
    """Which period, from the event's time on; or `audit_days` from the end of its device."""

    @property
    def whole(self) -> bool:
        """The event goes, and not just the people in it."""
        return "what" in self.parts


STEPS = (
    Step(EventClass.ADMINISTRATION, ("who", "what"), "audit"),
    Step(EventClass.TRANSIT, ("who",), "metadata"),
    Step(EventClass.TRANSIT, ("what",), "existence"),
    Step(EventClass.DEVICE_KEYS, ("who", "what"), "device"),
    Step(EventClass.RETENTION, ("who",), "audit"),
    Step(EventClass.LOG, ("who",), "audit"),
    Step(EventClass.CLAIMS, ("who", "what"), "metadata"),
)
"""The class table of audit-log.md. Of classes 4 and 5 the `what` lives for ever."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older has lived its time."""

    metadata_before: datetime
    audit_before: datetime
    existence_before: datetime

    @classmethod
    def of(cls, periods: RetentionPeriods) -> "Cutoffs":
        """As of now."""
        now = clock.now()
        return cls(
            metadata_before=now - timedelta(days=periods.metadata_days),
            audit_before=now - timedelta(days=periods.audit_days),
            existence_before=now - timedelta(days=periods.existence_days),
        )

    @classmethod
    def of_sweep(cls, sweep: Sweep) -> "Cutoffs":
        """As they were when the sweep began."""
        return cls(sweep.metadata_before, sweep.audit_before, sweep.existence_before)

    def hook(self, holds: Sequence[hooks.Hold], *, batch: int | None) -> hooks.RetentionSweep:
        """Ask the other apps."""
        asked = hooks.RetentionSweep(
            metadata_before=self.metadata_before,
            audit_before=self.audit_before,
            existence_before=self.existence_before,
            holds=holds,
            batch=batch,
        )
        hooks.retention_sweep(asked)
        return asked


class Position(NamedTuple):
    """The event after which to go on, in the order of time and seq."""

    at: datetime | None = None
    seq: int = -1


BEGINNING = Position()


class Looked(NamedTuple):
    """An event whose time has come, and the holds that may cover it."""

    seq: int
    event_id: UUID
    at: datetime
    held: bool
    """By what the index says."""
    asked: list[int] | None
    """Numbers, from 1, of holds on people that fit but for the person."""


_BY_TIME = """audit_event_index AS event
    WHERE at < %(before)s::timestamptz AND"""

# Device by device, whatever the planner expects of many: most of them have no events left.
_BY_DEVICE = """unnest(%(devices)s::uuid[]) AS ended (device_id)
    CROSS JOIN LATERAL (
        SELECT * FROM audit_event_index
        WHERE organisation_id = %(organisation)s::uuid AND event_class = 3
          AND CASE WHEN target_kind = 'device' THEN target_id ELSE actor_id END = device_id
        OFFSET 0
    ) AS event
    WHERE"""

_NEXT = """(
    SELECT seq, event_id, at, actor_member, target_id, subject_id, room_id
    FROM {time_has_come}
      organisation_id = %(organisation)s::uuid AND event_class = {event_class} AND {kept}
      AND (at, seq) > (%(after_at)s::timestamptz, %(after_seq)s::bigint)
    ORDER BY at, seq LIMIT %(limit)s::int
)"""

# Each condition of a hold that is given must match; a person or a room, wherever it is named.
_EXPIRED = """
WITH expired AS (
    SELECT * FROM ({next}) AS next ORDER BY at, seq LIMIT %(limit)s::int
), looked_at AS (
    SELECT seq, event_id, at, coalesce(held, false) AS held, asked
    FROM expired CROSS JOIN LATERAL (
        SELECT
            bool_or(person IS NULL OR person IN (actor_member, target_id, subject_id)) AS held,
            array_agg(number ORDER BY number) FILTER (WHERE person IS NOT NULL) AS asked
        FROM unnest(%(people)s::uuid[], %(rooms)s::uuid[], %(froms)s::timestamptz[],
            %(untils)s::timestamptz[])
            WITH ORDINALITY AS hold (person, room, from_at, until_at, number)
        WHERE (room IS NULL OR room IN (room_id, target_id))
          AND (from_at IS NULL OR at >= from_at) AND (until_at IS NULL OR at <= until_at)
    ) AS holds
)
"""

_EACH = "SELECT seq, event_id, at, held, asked FROM looked_at ORDER BY at, seq"

_COUNT = "SELECT count(*) FROM looked_at WHERE NOT held"

_COUNT_CONTENTS = """
SELECT count(*) FROM looked_at
JOIN audit_content AS content
  ON content.organisation_id = %(organisation)s::uuid AND content.event_id = looked_at.event_id
WHERE NOT held
"""

_COUNT_CONTENTS_OF = """
SELECT count(*) FROM audit_content
WHERE organisation_id = %(organisation)s::uuid AND event_id = ANY(%(events)s::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Expired:
    """The events whose time has come, by these cutoffs and holds."""

    cutoffs: Cutoffs
    holds: Sequence[hooks.Hold]
    ended_devices: Collection[UUID]
    """Those that ended before the cutoff of the audit events."""

    def look(self, step: Step, *, after: Position, limit: int) -> list[Looked]:
        """The next ones of a step, held or not."""
        return [Looked._make(row) for row in self._run(_EACH, step, after=after, limit=limit)]

    def count(self, step: Step) -> int:
        """How many that no hold covers; where no hold is on a person."""
        return int(self._run(_COUNT, step)[0][0])

    def count_contents(self, step: Step) -> int:
        """How many ciphertexts' hashes those have; where no hold is on a person."""
        return int(self._run(_COUNT_CONTENTS, step)[0][0])

    def free(self, looked: Sequence[Looked]) -> list[Looked]:
        """Those of them that no hold covers."""
        left = {one.event_id: one for one in looked if not one.held}
        asked = {id_: set(one.asked) for id_, one in left.items() if one.asked}
        numbers = sorted(set().union(*asked.values()))
        # One question about everybody: mostly nothing is found, and no other is needed.
        concerned = self._concerning(asked, numbers)
        for number in numbers:
            fitting = [id_ for id_ in concerned & left.keys() if number in asked[id_]]
            for held in self._concerning(fitting, [number]):
                del left[held]
        return list(left.values())

    def _concerning(self, event_ids: Collection[UUID], numbers: Sequence[int]) -> set[UUID]:
        """Which of these events concern somebody whom these holds name, says another app."""
        people = (self.holds[number - 1].membership_id for number in numbers)
        question = hooks.EventsConcerning(
            frozenset(event_ids), frozenset(person for person in people if person)
        )
        if event_ids:
            hooks.events_concerning(question)
        return question.found & question.event_ids

    def _run(
        self, sql: str, step: Step, *, after: Position = BEGINNING, limit: int | None = None
    ) -> list[tuple[Any, ...]]:
        by_device = step.lives == "device"
        # An index for each: a `what` has outlived its `who`, or a hold on a person has kept both.
        kept = ("who_kept",) if "who" in step.parts else ("who_kept", "NOT who_kept")
        each = (
            _NEXT.format(
                event_class=int(step.event_class),
                kept=condition,
                time_has_come=_BY_DEVICE if by_device else _BY_TIME,
            )
            for condition in kept
        )
        statement = _EXPIRED.format(next=" UNION ALL ".join(each))
        with connection.cursor() as cursor:
            cursor.execute(
                statement + sql,
                {
                    "organisation": current_organisation_id(),
                    "after_at": after.at or "-infinity",
                    "after_seq": after.seq,
                    "limit": limit,
                    "people": [hold.membership_id for hold in self.holds],
                    "rooms": [hold.room_id for hold in self.holds],
                    "froms": [hold.from_at for hold in self.holds],
                    "untils": [hold.until_at for hold in self.holds],
                    **(
                        {"devices": list(self.ended_devices)}
                        if by_device
                        else {"before": getattr(self.cutoffs, f"{step.lives}_before")}
                    ),
                },
            )
            return list(cursor.fetchall())


def count_contents_of(event_ids: Sequence[UUID]) -> int:
    """How many ciphertexts' hashes these events have."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_CONTENTS_OF,
            {"organisation": current_organisation_id(), "events": list(event_ids)},
        )
        return int(cursor.fetchone()[0])
