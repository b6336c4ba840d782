"""Denied attempts: counted per actor, type, target and minute, then recorded as one event.

An attempt is counted in a transaction of its own, after the refused act has rolled back, so that a
refusal leaves a trace and a flood of refusals leaves one row a minute.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django_scopes import get_scope

from audit.commitments import canonical
from audit.events.denials import AccessDenied
from audit.registry import REGISTRY, What
from audit.services.recording import (
    UNKNOWN,
    EventParts,
    Fact,
    Ref,
    event_parts,
    who_part,
    without_names,
    write,
)
from semafore.kernel import clock
from semafore.kernel.actor import Actor, current_actor
from semafore.kernel.hooks import AttemptDenied
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import current_organisation_id


@dataclass(frozen=True, slots=True)
class Denial:
    """What the log is to say of a refused act; goes with a Problem."""

    what: What
    target: Ref | None = None
    organisation_id: UUID | None = None
    """Only where no scope is entered: the organisation that the attempt was aimed at."""


def on_attempt_denied(payload: AttemptDenied) -> None:
    """Handler of the kernel's hook."""
    denial = payload.denial
    if not isinstance(denial, Denial):
        target = Ref(kind=UNKNOWN, id=payload.target_id) if payload.target_id else None
        denial = Denial(AccessDenied(act=payload.act, reason=payload.reason), target)
    count_denials([denial])


def _statement(table: str, organisation: str) -> str:
    value = "%s::uuid, " if organisation else ""
    return (
        f"INSERT INTO {table} ({organisation}minute, first_at, last_at,"  # noqa: S608
        " type, key, who, data, count)"
        f" SELECT {value}%s, %s, %s, * FROM"
        " unnest(%s::text[], %s::bytea[], %s::jsonb[], %s::jsonb[], %s::int[])"
        f" ON CONFLICT ({organisation}minute, key) DO UPDATE"
        f" SET count = {table}.count + excluded.count, last_at = excluded.last_at"
    )


COUNT = _statement("audit_denial", "organisation_id, ")
COUNT_PLATFORM = _statement("audit_platformdenial", "")


def _key(denial: Denial, actor: Actor) -> bytes:
    """Equal for attempts that are counted together.

    Unknown ids count as one: somebody who tries ids at random must not fill the log with them.
    """
    whose = [actor.kind, actor.id or actor.address]
    target = denial.target
    aimed_at = [target.kind, target.id] if target and target.kind != UNKNOWN else None
    return sha256(canonical([whose, denial.what.type.name, denial.what.data(), aimed_at])).digest()


def count_denials(denials: Sequence[Denial]) -> None:
    """Count refusals of the current actor, all in one organisation's log or the platform's."""
    actor, at = current_actor(), clock.now()
    organisation_id = get_scope().get("organisation") or denials[0].organisation_id
    named = actor if organisation_id else without_names(actor)
    keys = [_key(denial, actor) for denial in denials]
    counts = Counter(keys)
    # In key order: two requests that count the same refusals don't deadlock.
    distinct = sorted(dict(zip(keys, denials, strict=True)).items(), key=itemgetter(0))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            COUNT if organisation_id else COUNT_PLATFORM,
            [
                *([organisation_id] if organisation_id else []),
                at.replace(second=0, microsecond=0),
                at,
                at,
                [denial.what.type.name for _, denial in distinct],
                [key for key, _ in distinct],
                [_json(who_part(named, Fact(one.what, one.target))) for _, one in distinct],
                [_json(denial.what.data()) for _, denial in distinct],
                [counts[key] for key, _ in distinct],
            ],
        )


def _json(value: dict[str, Any]) -> str:
    return canonical(value).decode()


def settle_denials() -> int:
    """Turn one batch of the scope's finished minutes into events; how many there were."""
    return _settle("audit_denial", current_organisation_id())


def settle_platform_denials() -> int:
    """The same for refusals outside any organisation."""
    return _settle("audit_platformdenial", None)


@transaction.atomic
def _settle(table: str, organisation_id: UUID | None) -> int:
    before = clock.now().replace(second=0, microsecond=0)
    condition, scoped = (
        ("organisation_id = %s AND ", [organisation_id])
        if organisation_id
        else (
            "",
            [],
        )
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM {table}"  # noqa: S608
            f" WHERE {condition}minute < %s LIMIT {BATCH} FOR UPDATE SKIP LOCKED))"
            " RETURNING type, who::text, data::text, count, first_at, last_at",
            [*scoped, before],
        )
        rows = cursor.fetchall()
    if rows:
        write([_denied_event(*row) for row in rows], organisation_id)
    return len(rows)


def _denied_event(  # noqa: PLR0917 - the columns of a row, in their order
    name: str, who: str, data: str, count: int, first_at: datetime, last_at: datetime
) -> EventParts:
    return event_parts(
        REGISTRY[name],
        json.loads(who),
        json.loads(data),
        outcome="denied",
        at=first_at,
        attempts={"count": count, "first_at": first_at, "last_at": last_at},
    )
