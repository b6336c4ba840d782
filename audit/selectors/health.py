"""How the logs do: for monitoring, for `audit_log status`, and for the console's Overview."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from audit.logs import Log
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.tree import tree_head
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor

# Ids of events are made in the order of time: the oldest event is the one of the lowest row.
OLDEST_PENDING = "SELECT event_id FROM {t}pending WHERE {own}true ORDER BY id LIMIT 1"

HALTED = "SELECT halted_at, halted_reason FROM {t}head WHERE {own}true"

FIRST_UNSIGNED = """
SELECT event_id FROM {t}entry
WHERE {own}seq = coalesce((SELECT max(size) FROM {t}checkpoint WHERE {own}true), 0)
"""

NEWEST_ENTRY = "SELECT event_id FROM {t}entry WHERE {own}true ORDER BY seq DESC LIMIT 1"

ALL_PENDING = """
(SELECT event_id FROM audit_pending ORDER BY id LIMIT 1)
UNION ALL (SELECT event_id FROM audit_platformpending ORDER BY id LIMIT 1)
"""

ALL_UNSIGNED = """
SELECT entry.event_id FROM audit_head AS head
CROSS JOIN LATERAL (
    SELECT coalesce(max(size), 0) AS size FROM audit_checkpoint AS checkpoint
    WHERE checkpoint.organisation_id = head.organisation_id
) AS signed
JOIN audit_entry AS entry
  ON entry.organisation_id = head.organisation_id AND entry.seq = signed.size
WHERE head.size > signed.size
UNION ALL
SELECT event_id FROM audit_platformentry
WHERE seq = coalesce((SELECT max(size) FROM audit_platformcheckpoint), 0)
"""

TOTALS = """
SELECT count(*) FILTER (WHERE halted_at IS NOT NULL), coalesce(sum(size), 0)::bigint
FROM (
    SELECT halted_at, size FROM audit_head
    UNION ALL SELECT halted_at, size FROM audit_platformhead
) AS head
"""


@dataclass(frozen=True, slots=True)
class LogHealth:
    """Of all logs together; an age is zero where nothing waits."""

    oldest_pending_age: timedelta
    oldest_unsigned_age: timedelta
    """Of the oldest entry that stands under no published checkpoint."""
    halted: int
    entries: int


@dataclass(frozen=True, slots=True)
class LogState:
    """Of one log."""

    size: int
    checkpoint_size: int
    signed_at: datetime | None
    oldest_pending_age: timedelta
    oldest_unsigned_age: timedelta
    halted_at: datetime | None
    halted_reason: str
    """A code of `audit.services.signer.Refusal`; empty while all is well."""

    @property
    def signed_ago(self) -> timedelta | None:
        """The age of the newest checkpoint; None before the first."""
        return clock.now() - self.signed_at if self.signed_at else None

    @property
    def behind(self) -> timedelta:
        """How long the oldest event waits for its place or for a checkpoint."""
        return max(self.oldest_pending_age, self.oldest_unsigned_age)


def log_health() -> LogHealth:
    """What `/metrics` says."""
    with connection.cursor() as cursor:
        cursor.execute(ALL_PENDING)
        pending = [row[0] for row in cursor.fetchall()]
        cursor.execute(ALL_UNSIGNED)
        unsigned = [row[0] for row in cursor.fetchall()]
        cursor.execute(TOTALS)
        halted, entries = cursor.fetchone()
    return LogHealth(_age(pending), _age(unsigned), halted, entries)


def log_state(log: Log) -> LogState:
    """What the console and `audit_log status` say."""
    head, latest = tree_head(log), latest_checkpoint(log)
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(HALTED), log.parameters())
        halted_at, reason = cursor.fetchone() or (None, "")
        cursor.execute(log.sql(OLDEST_PENDING), log.parameters())
        pending = [row[0] for row in cursor.fetchall()]
        cursor.execute(log.sql(FIRST_UNSIGNED), log.parameters())
        unsigned = [row[0] for row in cursor.fetchall()]
    return LogState(
        size=head.size,
        checkpoint_size=latest.size if latest else 0,
        signed_at=latest.signed_at if latest else None,
        oldest_pending_age=_age(pending),
        oldest_unsigned_age=_age(unsigned),
        halted_at=halted_at,
        halted_reason=reason,
    )


def newest_entry_at(log: Log) -> datetime | None:
    """When the event of the log's last entry was made; None while there is none."""
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(NEWEST_ENTRY), log.parameters())
        row = cursor.fetchone()
    return _made_at(row[0]) if row else None


def _age(event_ids: list[UUID]) -> timedelta:
    """Since the first of these events."""
    if not event_ids:
        return timedelta()
    return max(clock.now() - _made_at(min(event_ids)), timedelta())


def _made_at(event_id: UUID) -> datetime:
    """A version 7 UUID begins with its milliseconds."""
    return datetime.fromtimestamp(event_id.int // 2**80 / 1000, UTC)
