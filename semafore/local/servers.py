"""PostgreSQL and Valkey together, or the ones that the environment already names."""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from semafore.local.lifecycle import LocalServerError
from semafore.local.postgres import PostgresCluster
from semafore.local.valkey import ValkeyServer

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
