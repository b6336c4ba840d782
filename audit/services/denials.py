"""Denied attempts: counted per actor, type, target and minute, then recorded as one event.

An attempt is counted in a transaction of its own, after the refused act has rolled back, so that a
refusal leaves a trace and a flood of refusals leaves one row a minute.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django_scopes import get_scope

from audit.commitments import plain
from audit.registry import REGISTRY, What
from audit.services.recording import EventParts, Fact, Ref, event_parts, who_part, write
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
    if isinstance(payload.denial, Denial):
        count_denials([payload.denial])


def _upsert(table: str, organisation: str) -> str:
    columns = f"{organisation}type, actor_key, target_key, minute, who, data"
    values = ", ".join(["%s"] * (columns.count(",") + 1))
    return (
        f"INSERT INTO {table} ({columns}, count, first_at, last_at)"  # noqa: S608
        f" VALUES ({values}, 1, %s, %s)"
        f" ON CONFLICT ({organisation}minute, actor_key, type, target_key) DO UPDATE"
        f" SET count = {table}.count + 1, last_at = excluded.last_at"
    )


COUNT = _upsert("audit_denial", "organisation_id, ")
COUNT_PLATFORM = _upsert("audit_platformdenial", "")


def _actor_key(actor: Actor) -> str:
    return f"{actor.kind}:{actor.id or actor.address}"


def count_denials(denials: list[Denial]) -> None:
    """Count refusals of the current actor, in the organisation in scope or the platform's log."""
    actor, at = current_actor(), clock.now()
    minute = at.replace(second=0, microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        # One order for all: two requests that count the same refusals don't deadlock.
        for denial in sorted(denials, key=lambda one: str(one.target and one.target.id)):
            organisation_id = get_scope().get("organisation") or denial.organisation_id
            who = plain(who_part(actor, Fact(denial.what, denial.target)))
            target = denial.target
            cursor.execute(
                COUNT if organisation_id else COUNT_PLATFORM,
                [
                    *([organisation_id] if organisation_id else []),
                    denial.what.type.name,
                    _actor_key(actor),
                    f"{target.kind}:{target.id}" if target else "",
                    minute,
                    json.dumps(who),
                    json.dumps(plain(denial.what.data())),
                    at,
                    at,
                ],
            )


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
