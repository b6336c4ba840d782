"""What tables say beside the log, held against it: what no event says, somebody wrote past it.

The application's own database role can write these tables; nothing but the log tells that it did.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from audit.events.log import KeyAnnounced
from audit.events.retention import HoldLifted, HoldPlaced, RetentionChanged
from audit.logs import Log
from audit.registry import EventClass
from semafore.kernel import clock

ANNOUNCED = """
SELECT key.purpose, key.vkey, event.what FROM {t}announcedkey AS key
LEFT JOIN {t}event AS event ON {own:event.}event.id = key.event_id
WHERE {own:key.}true ORDER BY key.id
"""

# As the sequencer indexed it, of what is left.
MISINDEXED = """
SELECT coalesce(indexed.seq, placed.seq) AS seq
FROM (
    SELECT entry.seq, event.id, event.class, opened.*
    FROM audit_entry AS entry
    JOIN audit_event AS event
      ON event.organisation_id = %(organisation)s::uuid AND event.id = entry.event_id
    CROSS JOIN LATERAL (
        SELECT convert_from(event.who, 'UTF8')::jsonb AS who,
            convert_from(event.what, 'UTF8')::jsonb AS what
        OFFSET 0
    ) AS opened
    WHERE entry.organisation_id = %(organisation)s::uuid AND event.what IS NOT NULL
) AS placed
FULL JOIN (
    SELECT * FROM audit_event_index WHERE organisation_id = %(organisation)s::uuid
) AS indexed ON indexed.seq = placed.seq
WHERE (indexed.event_id, indexed.event_class, indexed.at, indexed.type, indexed.outcome,
        indexed.actor_kind, indexed.actor_id, indexed.actor_member, indexed.target_kind,
        indexed.target_id, indexed.subject_id, indexed.room_id, indexed.address,
        indexed.who_kept, indexed.what_kept)
    IS DISTINCT FROM (placed.id, placed.class, (what ->> 'time')::timestamptz, what ->> 'type',
        what ->> 'outcome', coalesce(who -> 'actor' ->> 'kind', ''),
        (who -> 'actor' ->> 'id')::uuid, (who -> 'actor' ->> 'member')::uuid,
        coalesce(who -> 'target' ->> 'kind', ''), (who -> 'target' ->> 'id')::uuid,
        (who -> 'subject' ->> 'id')::uuid, (who -> 'room' ->> 'id')::uuid,
        coalesce(who ->> 'address', ''), who IS NOT NULL, true)
ORDER BY seq LIMIT 1
"""

DECISIONS = """
SELECT who, what FROM audit_event
WHERE organisation_id = %(organisation)s::uuid AND class = %(class)s AND what IS NOT NULL
ORDER BY id
"""

HOLDS = """
SELECT id, lifted_at IS NULL, person_id, room_id, from_at, until_at FROM audit_hold
WHERE organisation_id = %(organisation)s::uuid ORDER BY placed_at, id
"""

PERIODS = """
SELECT version, metadata_days, audit_days, existence_days FROM audit_retentionperiods
WHERE organisation_id = %(organisation)s::uuid
"""


class Unrecorded(NamedTuple):
    """Something that no event says: at which entry, if at any, in which table, and how."""

    seq: int | None
    table: str
    why: str


def unrecorded(log: Log) -> Iterator[Unrecorded]:
    """What tables say otherwise than the log: keys, the index, holds, retention periods."""
    yield from _keys(log)
    if log.organisation_id is not None:
        for (seq,) in _rows(log, MISINDEXED):
            yield Unrecorded(seq, "index", "it is not indexed as what it is")
        decisions = [
            (None if who is None else json.loads(bytes(who)), json.loads(bytes(what)))
            for who, what in _rows(log, DECISIONS, **{"class": EventClass.RETENTION})
        ]
        yield from _holds(log, decisions)
        yield from _periods(log, decisions)


Decision = tuple[Mapping[str, Any] | None, Mapping[str, Any]]
"""An event's `who`, None where it is deleted, and its `what`."""


def _keys(log: Log) -> Iterator[Unrecorded]:
    for purpose, vkey, part in _rows(log, ANNOUNCED):
        what = {} if part is None else json.loads(bytes(part))
        said = what.get("type") == KeyAnnounced.type.name and what["data"]
        if said != {"purpose": purpose, "vkey": vkey}:
            yield Unrecorded(None, "key", f"no event announces {vkey} for {purpose}")


def _holds(log: Log, decisions: list[Decision]) -> Iterator[Unrecorded]:
    placed: dict[UUID, Decision] = {}
    lifted: set[UUID] = set()
    for who, what in decisions:
        if what["type"] == HoldPlaced.type.name:
            placed[UUID(what["data"]["hold_id"])] = who, what["data"]
        elif what["type"] == HoldLifted.type.name:
            lifted.add(UUID(what["data"]["hold_id"]))
    rows = {row[0]: row[1:] for row in _rows(log, HOLDS)}
    for id_ in placed.keys() - rows.keys():
        yield Unrecorded(None, "hold", f"{id_} was placed, and is not there")
    for id_, (in_force, person, room, from_at, until_at) in rows.items():
        if id_ not in placed:
            yield Unrecorded(None, "hold", f"no event places {id_}")
            continue
        if in_force is (id_ in lifted):
            said = "lifts" if id_ in lifted else "does not lift"
            yield Unrecorded(None, "hold", f"the log {said} {id_}, and it is otherwise")
        who, data = placed[id_]
        covers = [(data["from_at"], _moment(from_at)), (data["until_at"], _moment(until_at))]
        if who is not None:
            named = (("subject", person), ("room", room))
            covers += [(who[role] and who[role]["id"], id_ and str(id_)) for role, id_ in named]
        if any(recorded != kept for recorded, kept in covers):
            yield Unrecorded(None, "hold", f"{id_} covers other things than were recorded")


def _periods(log: Log, decisions: list[Decision]) -> Iterator[Unrecorded]:
    changes = [what["data"] for _, what in decisions if what["type"] == RetentionChanged.type.name]
    last = max(changes, key=lambda data: int(data["version"]), default=None)
    for version, *days in _rows(log, PERIODS):
        names = ("metadata_days", "audit_days", "existence_days")
        recorded = last is None or last["after"] == dict(zip(names, days, strict=True))
        if version != (last["version"] if last else 1) or not recorded:
            yield Unrecorded(None, "periods", f"no event sets version {version} of them")


def _moment(value: Any) -> str | None:
    return None if value is None else clock.rfc3339(value)


def _rows(log: Log, statement: str, **named: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(log.sql(statement), log.parameters(**named))
        return list(cursor.fetchall())
