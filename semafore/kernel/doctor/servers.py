"""Looks at PostgreSQL and Redis."""

from collections.abc import Iterator
from typing import Final

import redis
from django.db import connection

from semafore.kernel.doctor import DATABASE_AWAY, Finding, doubtful, fine, wrong
from semafore.kernel.health import pending_migrations
from semafore.kernel.redis_client import redis_client

OLDEST_POSTGRESQL: Final = 150_000
SPARE_CONNECTIONS: Final = 0.2
"""Of all that there can be."""

STATE = """
SELECT current_setting('server_version'), current_setting('synchronous_commit'),
    current_setting('fsync'), current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
"""


def database() -> Iterator[Finding]:
    """Reachable, new enough, safe, with connections left."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(STATE)
            version, commit, fsync, most, used = cursor.fetchone()
    except DATABASE_AWAY as error:
        yield wrong(
            f"PostgreSQL can't be reached ({type(error).__name__})",
            "Start it, and see that DATABASE_URL names it and that its pg_hba.conf lets us in.",
        )
        raise
    if connection.pg_version < OLDEST_POSTGRESQL:  # type: ignore[attr-defined]  # of PostgreSQL's
        yield wrong(f"PostgreSQL is {version}", "Upgrade it to 15 or newer.")
    unsafe = [name for name, value in _safety(commit, fsync) if value == "off"]
    if unsafe:
        yield wrong(
            f"{' and '.join(unsafe)} off: what was confirmed is lost with the power",
            "Set it to on in postgresql.conf, and for this role (ALTER ROLE … RESET).",
        )
    said = f"PostgreSQL {version}, {used} of {most} connections in use"
    if most - used < most * SPARE_CONNECTIONS:
        yield doubtful(
            said, "Lower DATABASE_POOL_SIZE or the number of processes, or raise max_connections."
        )
    else:
        yield fine(said)


def _safety(commit: str, fsync: str) -> list[tuple[str, str]]:
    return [("synchronous_commit", commit), ("fsync", fsync)]


def migrations() -> Iterator[Finding]:
    """The tables are those of this code."""
    pending = pending_migrations()
    if pending:
        yield wrong(f"{pending} are not applied", "Run manage.py migrate.")
    else:
        yield fine("all are applied")


def redis_server() -> Iterator[Finding]:
    """Reachable; and it forgets nothing while it has room."""
    try:
        redis_client().ping()
        server, memory = redis_client().info("server"), redis_client().info("memory")
    except redis.RedisError as error:
        yield wrong(
            f"Redis can't be reached ({type(error).__name__}): hints, throttles and tasks wait",
            "Start it, and see that REDIS_URL names it.",
        )
        return
    policy = memory.get("maxmemory_policy", "noeviction")
    said = f"{server.get('server_name', 'redis')} {server.get('redis_version')}"
    if policy != "noeviction" and memory.get("maxmemory"):
        yield doubtful(
            f"{said} throws away keys when it is full ({policy}), tasks among them",
            "Set maxmemory-policy to noeviction.",
        )
    else:
        yield fine(said)
