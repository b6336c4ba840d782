"""What `/metrics` says of the server itself: version, tasks, queues, the servers that it needs."""

from collections.abc import Iterator

import redis
from django.conf import settings
from django.db import connection
from prometheus_client.core import InfoMetricFamily, Metric

from semafore.kernel.metrics import gauge
from semafore.kernel.models import TaskRun
from semafore.kernel.task_runs import schedule, waiting

CONNECTIONS = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""


def figures() -> Iterator[Metric]:
    """In two statements, and two commands of Redis a queue."""
    yield InfoMetricFamily("semafore_build", "The server's version.", {"version": settings.VERSION})
    with connection.cursor() as cursor:
        cursor.execute(CONNECTIONS)
        used, most = cursor.fetchone()
    yield gauge("semafore_database_connections", "Connections to PostgreSQL, anybody's.", used)
    yield gauge("semafore_database_connections_max", "Connections that there can be.", most)
    yield from _tasks()
    yield from _queues()


def _tasks() -> Iterator[Metric]:
    runs = {run.name: run for run in TaskRun.objects.all()}
    due = schedule()
    yield gauge(
        "semafore_task_interval_seconds",
        "Time from one run of a scheduled task to the next.",
        {name: every.total_seconds() for name, every in due.items()},
        "task",
    )
    for name, text, moments in (
        (
            "semafore_task_last_success_timestamp_seconds",
            "When a scheduled task last ran without an error.",
            {one: runs[one].succeeded_at for one in due if one in runs},
        ),
        (
            "semafore_task_last_failure_timestamp_seconds",
            "When a scheduled task last failed, in one organisation or in all.",
            {one: runs[one].failed_at for one in due if one in runs},
        ),
    ):
        yield gauge(name, text, {one: at.timestamp() for one, at in moments.items() if at}, "task")
    yield gauge(
        "semafore_task_seconds",
        "How long the last run of a scheduled task took.",
        {one: runs[one].milliseconds / 1000 for one in due if one in runs},
        "task",
    )


def _queues() -> Iterator[Metric]:
    try:
        found = waiting()
    except redis.RedisError:
        yield gauge("semafore_redis_up", "1 while Redis answers.", 0)
        return
    yield gauge("semafore_redis_up", "1 while Redis answers.", 1)
    yield gauge(
        "semafore_queue_length",
        "Tasks that no worker has taken.",
        {name: queue.length for name, queue in found.items()},
        "queue",
    )
    yield gauge(
        "semafore_queue_oldest_seconds",
        "Since the task that is next was asked for.",
        {name: queue.oldest_age.total_seconds() for name, queue in found.items()},
        "queue",
    )
