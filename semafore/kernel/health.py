"""Whether this process lives, and whether it can serve."""

import redis
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout

from semafore.kernel.closing import CLOSING
from semafore.kernel.permissions import Access
from semafore.kernel.redis_client import new_client


def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> JsonResponse:
    """200 with a database whose migrations are done and that nobody has to look at after a restore.

    A lost Redis is reported and tolerated.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        pending = pending_migrations()
        database = "ok" if not pending else f"{pending} migrations pending"
        if not pending and not CLOSING.ready():
            database = "restored"
    except (DatabaseError, PoolTimeout):
        database = "unreachable"
    return JsonResponse(
        {"database": database, "redis": _redis_state()}, status=200 if database == "ok" else 503
    )


_migrated = False


def pending_migrations() -> int:
    """How many migrations the database lacks; once it lacks none this process asks no more."""
    global _migrated  # noqa: PLW0603 - a process's code doesn't change
    if _migrated:
        return 0
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    _migrated = pending == 0
    return pending


def _redis_state() -> str:
    try:
        with new_client(socket_timeout=0.5, socket_connect_timeout=0.5) as client:
            client.ping()
    except redis.RedisError:
        return "degraded"
    return "ok"


healthz.requires = Access.PUBLIC  # type: ignore[attr-defined]
readyz.requires = Access.PUBLIC  # type: ignore[attr-defined]
