"""Sweeps as audit raises them: in the organisation, as the system, a transaction each batch."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from messaging.models import Room
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.kernel.hooks import EventsConcerning, Hold, RetentionSweep, retention_sweep
from semafore.kernel.hooks import events_concerning as concerning
from tests.cast import inside

METADATA, AUDIT = timedelta(days=10), timedelta(days=100)
LATER, MUCH_LATER = METADATA + timedelta(days=1), AUDIT + timedelta(days=1)
"""When metadata has lived its time, and when everything has."""


def hold(
    person: Membership | None = None,
    room: Room | None = None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> Hold:
    return Hold(person.id if person else None, room.id if room else None, from_at, until_at)


def swept(of: Organisation, batch: int | None, holds: Sequence[Hold] = ()) -> RetentionSweep:
    """One preview (`batch` None) or one batch."""
    now = clock.now()
    sweep = RetentionSweep(
        metadata_before=now - METADATA,
        audit_before=now - AUDIT,
        existence_before=now - AUDIT,
        holds=holds,
        batch=batch,
    )
    with inside(of), transaction.atomic():
        retention_sweep(sweep)
    return sweep


def counted(of: Organisation, *holds: Hold) -> dict[str, int]:
    """What a preview counts, without what there is none of."""
    return {name: count for name, count in swept(of, None, holds).rows.items() if count}


def taken(of: Organisation, *holds: Hold, batch: int = 100) -> dict[str, int]:
    """What batches take until nothing is left; none takes more than it may."""
    total: Counter[str] = Counter()
    while any((rows := swept(of, batch, holds).rows).values()):
        assert max(rows.values()) <= batch
        total.update({name: count for name, count in rows.items() if count})
    return dict(total)


def foretold(of: Organisation, *holds: Hold, batch: int = 100) -> dict[str, int]:
    """What was taken, which is what the preview before said, and nothing is left to take."""
    told = counted(of, *holds)
    assert taken(of, *holds, batch=batch) == told
    assert counted(of, *holds) == {}
    return told


# What autovacuum has learnt from earlier tests, whose rows are gone, is no ground for a plan.
FORGET_STATISTICS = """
SELECT pg_clear_relation_stats(schemaname, tablename) FROM pg_tables WHERE schemaname = 'public';
SELECT pg_clear_attribute_stats(schemaname, tablename, attname, inherited)
FROM pg_stats WHERE schemaname = 'public';
"""


def plans(of: Organisation, batch: int = 10, containing: str = "FOR UPDATE") -> dict[str, str]:
    """How PostgreSQL finds each kind's rows where it may read no table from end to end."""
    with CaptureQueriesContext(connection) as queries:
        swept(of, batch)
    found = [query["sql"] for query in queries if containing in query["sql"]]
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(FORGET_STATISTICS)
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        return {sql: _plan(cursor, sql) for sql in found}


def _plan(cursor: Any, sql: str) -> str:
    cursor.execute(f"EXPLAIN {sql}")
    return "\n".join(row[0] for row in cursor.fetchall())


def concerned(of: Organisation, events: Sequence[Any], *people: Membership) -> set[Any]:
    asked = EventsConcerning(frozenset(events), frozenset(person.id for person in people))
    with inside(of):
        concerning(asked)
    return asked.found
