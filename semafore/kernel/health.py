"""Whether this process lives, and whether it can serve."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from semafore.kernel.permissions import Access


def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> JsonResponse:
    """200 with a database whose migrations are done; a lost Redis is reported and tolerated."""
    try:
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        database = "ok" if not pending else f"{pending} migrations pending"
    except DatabaseError:
        database = "unreachable"
    return JsonResponse(
        {"database": database, "redis": _redis_state()}, status=200 if database == "ok" else 503
    )


def _redis_state() -> str:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5
        ) as client:
            client.ping()
    except redis.RedisError:
        return "degraded"
    return "ok"


healthz.requires = Access.PUBLIC  # type: ignore[attr-defined]
readyz.requires = Access.PUBLIC  # type: ignore[attr-defined]
