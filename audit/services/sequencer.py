"""From committed events to entries: the sequencer gives each its place in its log, once.

Work is found by rows that exist, never by a watermark: identity values commit out of order
(audit-log.md, From entry to checkpoint). Any number may run; the head's lock lets one take a log.
"""

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import connection, transaction

from audit import tiles
from audit.logs import PLATFORM_LOG, Log
from audit.selectors.tree import read_tiles
from semafore.kernel.database import prepared_cursor

if TYPE_CHECKING:
    from uuid import UUID

BATCH = 4096
"""Entries in one transaction."""

LOCK_HEAD = "SELECT size FROM {t}head WHERE {own}true FOR UPDATE SKIP LOCKED"

FIRST_HEAD = """
INSERT INTO {t}head ({columns}size, root, origin_number, halted_reason)
VALUES ({values}0, %(root)s, 1, '') ON CONFLICT DO NOTHING
"""

FIRST_PLATFORM_HEAD = FIRST_HEAD.replace("{columns}", "id, ").replace("{values}", "1, ")

_NUMBERED = """
WITH taken AS (
    DELETE FROM {t}pending
    WHERE {own}id = ANY(ARRAY(
        SELECT id FROM {t}pending WHERE {own}true ORDER BY id LIMIT %(batch)s::int
    ))
    RETURNING id, event_id, entry
), numbered AS MATERIALIZED (
    SELECT %(size)s::bigint + row_number() OVER (ORDER BY id) - 1 AS seq, event_id, entry,
        sha256('\\x00'::bytea || entry) AS leaf
    FROM taken
), added AS (
    INSERT INTO {t}entry ({columns}seq, event_id, entry, leaf)
    SELECT {values}seq, event_id, entry, leaf FROM numbered
)"""

_LEAVES = "SELECT leaf FROM numbered ORDER BY seq"

TAKE_PLATFORM = _NUMBERED + _LEAVES

# Each part is parsed once; what a part says that is not there is null in the index.
_INDEXED = """, opened AS MATERIALIZED (
    SELECT numbered.seq, event.id, event.class,
        convert_from(event.who, 'UTF8')::jsonb AS who,
        convert_from(event.what, 'UTF8')::jsonb AS what
    FROM numbered
    JOIN audit_event AS event
      ON event.organisation_id = %(organisation)s::uuid AND event.id = numbered.event_id
), indexed AS (
    INSERT INTO audit_event_index (organisation_id, seq, event_id, event_class, at, type, outcome,
        actor_kind, actor_id, actor_member, target_kind, target_id, subject_id, room_id, address,
        who_kept, what_kept)
    SELECT %(organisation)s::uuid, seq, id, class,
        (what ->> 'time')::timestamptz, what ->> 'type', what ->> 'outcome',
        who -> 'actor' ->> 'kind', (who -> 'actor' ->> 'id')::uuid,
        (who -> 'actor' ->> 'member')::uuid,
        coalesce(who -> 'target' ->> 'kind', ''), (who -> 'target' ->> 'id')::uuid,
        (who -> 'subject' ->> 'id')::uuid, (who -> 'room' ->> 'id')::uuid,
        coalesce(who ->> 'address', ''), true, true
    FROM opened
)
"""

TAKE = _NUMBERED + _INDEXED + _LEAVES

GROW_TILES = """
INSERT INTO {t}tile ({columns}level, index, hashes)
SELECT {values}* FROM unnest(%(levels)s::int[], %(indexes)s::bigint[], %(tiles)b::bytea[])
ON CONFLICT ({columns}level, index) DO UPDATE SET hashes = excluded.hashes
"""

MOVE_HEAD = "UPDATE {t}head SET size = %(size)s, root = %(root)s WHERE {own}true"

# One step of an index for each organisation that has work, however many rows wait.
WAITING = """
WITH RECURSIVE found AS (
    (SELECT organisation_id FROM audit_pending ORDER BY organisation_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT organisation_id FROM audit_pending
        WHERE organisation_id > found.organisation_id ORDER BY organisation_id LIMIT 1
    )
    FROM found WHERE organisation_id IS NOT NULL
)
SELECT organisation_id FROM found WHERE organisation_id IS NOT NULL
"""


def logs_that_wait() -> list[Log]:
    """Every log that has events without a place."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        ids: list[UUID] = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT EXISTS (SELECT FROM audit_platformpending)")
        platform = cursor.fetchone()[0]
    organisations = apps.get_model("orgs", "Organisation").objects
    named = organisations.filter(id__in=ids).values_list("id", "log_id")
    return [Log(id_, log_id) for id_, log_id in named] + ([PLATFORM_LOG] if platform else [])


@transaction.atomic
def sequence(log: Log) -> int:
    """Give a batch of the log's events their places; how many, 0 while another is at it."""
    size = _locked_size(log)
    if size is None:
        return 0
    with connection.cursor() as cursor:
        # The one path on which the outbox gives rows back (its trigger).
        cursor.execute("SELECT set_config('semafore.sequencing', 'on', true)")
        cursor.execute(
            log.sql(TAKE if log.organisation_id else TAKE_PLATFORM),
            log.parameters(size=size, batch=BATCH),
        )
        leaves = [bytes(leaf) for (leaf,) in cursor.fetchall()]
    if leaves:
        _grow(log, size, leaves)
    return len(leaves)


def _locked_size(log: Log) -> int | None:
    """The head's size under its lock; None where somebody else has it."""
    first = FIRST_HEAD if log.organisation_id else FIRST_PLATFORM_HEAD
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(log.sql(LOCK_HEAD), log.parameters())
            row = cursor.fetchone()
            if row is not None:
                return int(row[0])
            cursor.execute(log.sql(first), log.parameters(root=tiles.EMPTY_ROOT))
            if not cursor.rowcount:
                return None
    return None


def _grow(log: Log, size: int, leaves: list[bytes]) -> None:
    """Append to the tiles of the right edge, and move the head."""
    held = read_tiles(log, tiles.edge(size))
    changed = tiles.extended(held, size, leaves)
    size += len(leaves)
    with prepared_cursor() as cursor:
        cursor.execute(
            log.sql(GROW_TILES),
            log.parameters(
                levels=[level for level, _ in changed],
                indexes=[index for _, index in changed],
                tiles=list(changed.values()),
            ),
        )
        cursor.execute(
            log.sql(MOVE_HEAD), log.parameters(size=size, root=tiles.root(held | changed, size))
        )
