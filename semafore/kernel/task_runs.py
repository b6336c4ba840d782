"""When each scheduled task last ran, what is due when, and what waits in the queues."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from celery import current_app
from celery.schedules import BaseSchedule
from django.conf import settings
from django.db import connection

from semafore.kernel import clock
from semafore.kernel.redis_client import redis_client
from semafore.kernel.task_lines import SENT_AT

NOTE = """
INSERT INTO kernel_taskrun (name, succeeded_at, failed_at, milliseconds)
VALUES (%(name)s, %(succeeded)s, %(failed)s, %(milliseconds)s)
ON CONFLICT (name) DO UPDATE SET
    succeeded_at = coalesce(excluded.succeeded_at, kernel_taskrun.succeeded_at),
    failed_at = coalesce(excluded.failed_at, kernel_taskrun.failed_at),
    milliseconds = excluded.milliseconds
"""


def note_run(name: str, *, seconds: float, failed: bool) -> None:
    """Write down that a task has run, whatever came of it."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE,
            {
                "name": name,
                "succeeded": None if failed else now,
                "failed": now if failed else None,
                "milliseconds": round(seconds * 1000),
            },
        )


def schedule() -> dict[str, timedelta]:
    """Each scheduled task with the time from one run to the next."""
    entries = current_app.conf.beat_schedule.values()
    return {entry["task"]: _interval(entry["schedule"]) for entry in entries}


def _interval(due: float | BaseSchedule) -> timedelta:
    if isinstance(due, int | float):
        return timedelta(seconds=due)
    first = _next(due, datetime(2026, 1, 1, tzinfo=UTC))
    return _next(due, first) - first


def _next(due: BaseSchedule, after: datetime) -> datetime:
    last, delta, _ = due.remaining_delta(after)  # type: ignore[attr-defined]  # of a crontab
    found: datetime = last + delta
    return found


def queues() -> list[str]:
    """The names of Celery's queues."""
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    return sorted(routed | {settings.CELERY_TASK_DEFAULT_QUEUE})


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in a queue."""

    length: int
    oldest_age: timedelta
    """Since the task that is next was asked for; zero where none waits."""


def waiting() -> dict[str, Queue]:
    """Each queue by its name. Raises redis.RedisError."""
    found = {}
    for name in queues():
        with redis_client().pipeline(transaction=False) as pipeline:
            pipeline.llen(name)
            # Tasks are put in front and taken from the end.
            pipeline.lindex(name, -1)
            length, oldest = pipeline.execute()
        found[name] = Queue(int(length), _age(oldest))
    return found


def _age(message: bytes | None) -> timedelta:
    sent_at = json.loads(message)["headers"].get(SENT_AT) if message else None
    return timedelta(seconds=max(0.0, time.time() - sent_at)) if sent_at else timedelta()
