"""The records of looks at audit data; those that show only looks don't beget each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection

from audit.commitments import canonical
from audit.events.reading import AuditSearched, AuditViewed
from audit.selectors.events import EventFilter, Line, OneEvent
from audit.selectors.reading import examined
from audit.services.examined import record_examination
from audit.services.recording import Ref, record
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import current_organisation_id

LOOKS = "audit."
"""How the types of such records begin."""

# Who comes second waits for the first one's transaction, and records only if that rolls back.
FIRST_THIS_HOUR = """
INSERT INTO audit_quietlook AS look (organisation_id, key, hour)
VALUES (%(organisation)s::uuid, %(key)s, %(hour)s)
ON CONFLICT (organisation_id, key) DO UPDATE SET hour = excluded.hour
WHERE look.hour < excluded.hour
"""

FORGET = """
DELETE FROM audit_quietlook WHERE id = ANY(ARRAY(
    SELECT id FROM audit_quietlook
    WHERE organisation_id = %(organisation)s::uuid AND hour < %(hour)s
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
))
"""


def record_search(chosen: EventFilter, found: Sequence[Line]) -> None:
    """Record that somebody was shown these events, once for each person whom the filter names."""
    first = _first_this_hour(["searched", _by_the_hour(chosen).given()])
    if _looks_alone(found) and not first:
        return
    places = [line.row.seq for line in found]
    newest, oldest = max(places, default=None), min(places, default=None)
    record_examination(
        chosen.given(), lambda told: AuditSearched(filters=told, newest=newest, oldest=oldest)
    )


def _ref(named: Mapping[str, Any] | None) -> Ref | None:
    return None if named is None else Ref(named["kind"], UUID(named["id"]), named["label"])


def record_view(seen: OneEvent, beside: Sequence[Line] = ()) -> None:
    """Record that somebody was shown an event: the record is about whomever the event is about.

    With what was shown `beside` it, which may be more than looks.
    """
    name = seen.what["type"] if seen.what else ""
    if name.startswith(LOOKS) and _looks_alone(beside) and not _first_this_hour(["viewed"]):
        return
    subject = examined(name, seen.who) or _person_in(seen.who)
    record(AuditViewed(event_id=seen.id), target=Ref("event", seen.id), subject=_ref(subject))


def _person_in(who: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """To whom it happened, else who did it; None for nobody of the organisation's."""
    if who is None:
        return None
    for role in ("subject", "target"):
        if who[role] and who[role]["kind"] == "member" and who[role]["id"]:
            one: Mapping[str, Any] = who[role]
            return one
    actor = who["actor"]
    member = actor["member"]
    return {"kind": "member", "id": member, "label": actor["label"]} if member else None


def _looks_alone(found: Sequence[Line]) -> bool:
    return all(line.row.type.startswith(LOOKS) for line in found)


def forget_quiet_looks() -> int:
    """Delete a batch of what looks in earlier hours have left; how many rows."""
    named: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "hour": _hour(clock.now()),
        "batch": BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(FORGET, named)
        return int(cursor.rowcount)


def _first_this_hour(look: list[Any]) -> bool:
    """Whether the actor's first such look in the hour; the next one is none."""
    actor = current_actor()
    key = sha256(canonical([actor.kind, actor.id or actor.address, *look])).digest()
    named: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "key": key,
        "hour": _hour(clock.now()),
    }
    with connection.cursor() as cursor:
        cursor.execute(FIRST_THIS_HOUR, named)
        return bool(cursor.rowcount)


def _by_the_hour(chosen: EventFilter) -> EventFilter:
    """The filter of a program that always asks for the last minutes stays the same for an hour."""
    return replace(
        chosen,
        from_at=chosen.from_at and _hour(chosen.from_at),
        to_at=chosen.to_at and _hour(chosen.to_at),
    )


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
