"""From committed events to entries: the sequencer gives each its place in its log, once.

Work is found by rows that exist, never by a watermark: identity values commit out of order
(audit-log.md, From entry to checkpoint). Any number may run; the head's lock lets one take a log.
"""

from collections.abc import Callable
from uuid import UUID

from django.db import connection, transaction

from audit import tiles
from audit.logs import Log
from audit.registry import What
from audit.selectors.tree import TreeHead, read_tiles
from audit.services.recording import Recorded, record, record_platform
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.database import prepared_cursor
from semafore.kernel.tenancy import organisation_scope

BATCH = 4096
"""Entries in one transaction."""

LOCK_HEAD = "SELECT size, root, origin_number FROM {t}head WHERE {own}true FOR UPDATE"

FIRST_HEAD = """
INSERT INTO {t}head ({columns}size, root, origin_number, halted_reason)
VALUES ({values}0, %(root)s, 1, '') ON CONFLICT DO NOTHING
"""

FIRST_PLATFORM_HEAD = FIRST_HEAD.replace("{columns}", "id, ").replace("{values}", "1, ")

_NUMBERED = """
WITH taken AS (
    DELETE FROM {t}pending
    WHERE {own}id = ANY(ARRAY(
        SELECT id FROM {t}pending WHERE {own}(%(event)s::uuid IS NULL OR event_id = %(event)s::uuid)
        ORDER BY id LIMIT %(batch)s::int
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

# Each part is parsed once; what a part says that is not there is null in the index. A log that
# was halted for long may get places for events of which retention has taken parts.
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
        message_id, who_kept, what_kept)
    SELECT %(organisation)s::uuid, seq, id, class,
        (what ->> 'time')::timestamptz, what ->> 'type', what ->> 'outcome',
        coalesce(who -> 'actor' ->> 'kind', ''), (who -> 'actor' ->> 'id')::uuid,
        (who -> 'actor' ->> 'member')::uuid,
        coalesce(who -> 'target' ->> 'kind', ''), (who -> 'target' ->> 'id')::uuid,
        (who -> 'subject' ->> 'id')::uuid, (who -> 'room' ->> 'id')::uuid,
        coalesce(who ->> 'address', ''), (what -> 'data' ->> 'message_id')::uuid,
        who IS NOT NULL, true
    FROM opened WHERE what IS NOT NULL
)
"""

TAKE = _NUMBERED + _INDEXED + _LEAVES

GROW_TILES = """
INSERT INTO {t}tile ({columns}level, index, hashes)
SELECT {values}* FROM unnest(%(levels)s::int[], %(indexes)s::bigint[], %(tiles)b::bytea[])
ON CONFLICT ({columns}level, index) DO UPDATE SET hashes = excluded.hashes
"""

MOVE_HEAD = "UPDATE {t}head SET size = %(size)s, root = %(root)s WHERE {own}true"

Check = Callable[[TreeHead], None]
"""Raises where the log must not grow from this head; called while the head is locked."""


@transaction.atomic
def sequence(log: Log, *, check: Check | None = None) -> int:
    """Give a batch of the log's events their places; how many, 0 while another is at it.

    Raises what `check` raises, and then nothing has changed.
    """
    head = _free_head(log)
    if head is None:
        return 0
    if check:
        check(head)
    return _place(log, head)


def record_in(log: Log, what: What) -> Recorded:
    """Record what the server itself has to say in the log."""
    with acting_as(SYSTEM):
        if log.organisation_id is None:
            return record_platform(what)
        with organisation_scope(log.organisation_id):
            return record(what)


def record_next(log: Log, head: TreeHead, what: What) -> tuple[Recorded, TreeHead]:
    """Record an event as the log's very next entry, before all that waits; and the head after it.

    In the transaction that has locked the head.
    """
    recorded = record_in(log, what)
    _place(log, head, only=recorded.event_id)
    return recorded, locked_head(log)


def locked_head(log: Log) -> TreeHead:
    """The head, locked until the transaction ends; made if there is none."""
    head = _locked(log, LOCK_HEAD)
    while head is None:
        _make_head(log)
        head = _locked(log, LOCK_HEAD)
    return head


def _free_head(log: Log) -> TreeHead | None:
    """The same; None where somebody else has it."""
    statement = f"{LOCK_HEAD} SKIP LOCKED"
    head = _locked(log, statement)
    if head is None and _make_head(log):
        head = _locked(log, statement)
    return head


def _locked(log: Log, statement: str) -> TreeHead | None:
    with connection.cursor() as cursor:
        cursor.execute(log.sql(statement), log.parameters())
        row = cursor.fetchone()
    return TreeHead(row[0], bytes(row[1]), row[2]) if row else None


def _make_head(log: Log) -> bool:
    """Whether there was none."""
    first = FIRST_HEAD if log.organisation_id else FIRST_PLATFORM_HEAD
    with connection.cursor() as cursor:
        cursor.execute(log.sql(first), log.parameters(root=tiles.EMPTY_ROOT))
        return bool(cursor.rowcount)


def _place(log: Log, head: TreeHead, *, only: UUID | None = None) -> int:
    with connection.cursor() as cursor:
        # The one path on which the outbox gives rows back (its trigger).
        cursor.execute("SELECT set_config('semafore.sequencing', 'on', true)")
        cursor.execute(
            log.sql(TAKE if log.organisation_id else TAKE_PLATFORM),
            log.parameters(size=head.size, batch=BATCH, event=only),
        )
        leaves = [bytes(leaf) for (leaf,) in cursor.fetchall()]
    if leaves:
        _grow(log, head.size, leaves)
    return len(leaves)


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
