"""PostgreSQL and Valkey together, or the ones that the environment already names."""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from semafore.local.lifecycle import LocalServerError
from semafore.local.postgres import PostgresCluster
from semafore.local.valkey import HOST, ValkeyServer

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
NAMES = ("DATABASE_URL", "REDIS_URL")


@contextlib.contextmanager
def servers(directory: Path, *, durable: bool) -> Iterator[dict[str, str]]:
    """Yields DATABASE_URL and REDIS_URL; servers started for it are stopped after it."""
    given = {name: os.environ[name] for name in NAMES if os.environ.get(name)}
    if len(given) == len(NAMES):
        yield given
        return
    if given:
        (missing,) = set(NAMES) - set(given)
        raise LocalServerError(
            f"{', '.join(given)} is set and {missing} is not. Set both to use servers of your "
            f"own, or neither to have them started here."
        )
    with (
        PostgresCluster(directory / "postgres", durable=durable) as postgres,
        ValkeyServer(directory / "valkey") as valkey,
    ):
        yield postgres.env() | valkey.env()


def environment(**settings: str) -> dict[str, str]:
    """This process's environment for one it starts, with the settings in place.

    Its programs come first on the PATH. libpq's own PG… variables are left out, since they
    would bend every connection, except where DATABASE_URL came from outside along with them.
    """
    ours = not os.environ.get("DATABASE_URL")
    inherited = {k: v for k, v in os.environ.items() if not (ours and k.startswith("PG"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return inherited | {"PATH": path, "PYTHONUNBUFFERED": "1"} | settings


def secret_key(directory: Path) -> str:
    """The SECRET_KEY of this checkout's own servers: made once, readable by its owner alone."""
    path = directory / "secret_key"
    with contextlib.suppress(FileNotFoundError):
        known = path.read_text(encoding="utf-8").strip()
        if known:
            return known
    directory.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(50), encoding="utf-8")
    fresh.replace(path)
    return path.read_text(encoding="utf-8")


DATABASE_IDENTITY = """
SELECT system_identifier::text || '-' || oid
FROM pg_control_system(), pg_database WHERE datname = current_database()
"""


def log_settings(directory: Path, database_url: str) -> dict[str, str]:
    """What the log process is called by, and its folder for this database and no other."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(DATABASE_IDENTITY).fetchone()
    assert row is not None  # noqa: S101 - the database that it is connected to exists
    return {
        "LOG_HOST": os.environ.get("LOG_HOST") or HOST,
        "LOG_STATE_DIR": os.environ.get("LOG_STATE_DIR") or str(directory / "log" / str(row[0])),
    }
