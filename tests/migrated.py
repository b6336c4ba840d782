"""Databases that every migration has been applied to: made once, then copied.

Migrating takes ten seconds, and some twenty tests need a server of their own. What is kept lies
below `.local` and is named by what it was made from.
"""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from semafore.local.postgres import PostgresCluster
from semafore.local.servers import LOCAL, ROOT, environment

KEPT = LOCAL / "migrated"
SOURCES = ("*/migrations/*.py", "semafore/kernel/**/*.py", "requirements/*.txt")


@cache
def fingerprint() -> str:
    """Of all that decides what a migrated database looks like."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)}):
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def migrate(database_url: str) -> None:
    """As an operator does it."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        env=environment(DATABASE_URL=database_url),
        cwd=ROOT,
        check=True,
    )


def template(database_url: str) -> str:
    """The name of a database on this server that others can be copied from."""
    name = f"migrated_{fingerprint()}"
    with _alone(), psycopg.connect(database_url, autocommit=True) as connection:
        known = {
            str(row[0])
            for row in connection.execute(
                "SELECT datname FROM pg_database WHERE datname ^@ 'migrated_'"
            )
        }
        if name not in known:
            for old in known:
                connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
            begun = f"{name}_begun"
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(begun)))
            migrate(urlsplit(database_url)._replace(path=f"/{begun}").geturl())
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(begun), sql.Identifier(name)))
    return name


def cluster(
    directory: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None
) -> PostgresCluster:
    """A server of its own, not yet started, with a migrated database in it."""
    made = PostgresCluster(directory, durable=durable, settings=settings)
    shutil.copytree(_files(), made.data, symlinks=True)
    return made


@cache
def _files() -> Path:
    with _alone():
        kept = KEPT / fingerprint()
        if not kept.exists():
            for old in KEPT.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            with PostgresCluster(KEPT / "begun", durable=False) as begun:
                migrate(begun.url)
            begun.directory.rename(kept)
        return kept / "data"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One process makes it, the others wait."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
