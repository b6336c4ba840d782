"""Migrations in a database that is in use: nobody queues behind them, old code works after them."""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_migration_linter.sql_analyser.analyser import analyse_sql_statements
from django_migration_linter.sql_analyser.postgresql import PostgresqlAnalyser
from pytest_django import Settings

from semafore.kernel.management.commands.migrate import ONE_AT_A_TIME
from semafore.local.servers import ROOT
from tests.locks import wait_until_somebody_waits
from tests.realtime.processes import database_url

LATE = {"lock_timeout": 1, "attempts": 100, "pause": 0.05, "verbosity": 0}


@pytest.fixture
def late(committed: None, settings: Settings) -> Iterator[None]:
    """`reports`, which has no tables, has the migrations of `tests/deploy/late`."""
    settings.MIGRATION_MODULES = {"reports": "tests.deploy.late.migrations"}
    yield
    call_command("migrate", "reports", "zero", verbosity=0)


def migrate(to: str = "0001", **options: Any) -> str:
    """The command in this thread; what it says about attempts."""
    said = StringIO()
    try:
        call_command("migrate", "reports", to, stderr=said, **LATE | options)
    finally:
        connection.close()
    return said.getvalue()


@contextmanager
def migrating(**options: Any) -> Iterator[Future[str]]:
    """The same in a thread of its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(migrate, **options)


@contextmanager
def reading() -> Iterator[psycopg.Connection[Any]]:
    """A transaction that has read devices and goes on for as long as the block."""
    with psycopg.connect(database_url()) as reader:
        reader.execute("SET statement_timeout = '20s'")
        reader.execute("SELECT count(*) FROM keys_device")
        yield reader


def has_pagers() -> bool:
    with connection.cursor() as cursor:
        names = connection.introspection.get_table_description(cursor, "keys_device")
    return "pager" in {column.name for column in names}


def test_nobody_queues_behind_a_migration_that_waits(late: None) -> None:
    with migrating() as running:
        with reading():
            wait_until_somebody_waits(or_ended=running.done)
            # Behind the waiting ALTER TABLE, which gives up; the long transaction is still open.
            with reading() as another:
                assert another.execute("SELECT 1").fetchone() == (1,)
            assert not running.done()
            assert not has_pagers()
        assert "a lock was not to be had" in running.result(timeout=60)
    assert has_pagers()


def test_it_gives_up_and_says_what_to_do(late: None) -> None:
    with reading(), pytest.raises(CommandError, match="Find who holds it"):
        migrate(attempts=2)
    assert not has_pagers()
    assert migrate() == "", "it goes on where it was"
    assert has_pagers()


def test_two_at_one_time_follow_each_other(late: None) -> None:
    with migrating() as running:
        with psycopg.connect(database_url()) as first:
            first.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            with pytest.raises(CommandError, match="not to be had"):
                migrate(attempts=1)
        running.result(timeout=60)
    assert has_pagers()


def test_no_statement_takes_for_ever(late: None) -> None:
    with pytest.raises(CommandError, match="statement timeout"):
        migrate("0002", statement_timeout=1)
    assert has_pagers(), "what went before it is done"


def test_no_limit_outlives_it(late: None) -> None:
    call_command("migrate", "reports", "0001", **LATE)
    with connection.cursor() as cursor:
        for name in ("lock_timeout", "statement_timeout"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == ("0",)
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone() == (0,)


# What old code works on

# The last migration of each app in version 0.5.0: whatever runs has these. Later ones are held to
# docs/deployment.md, Migrations.
RELEASED = {
    "audit": 11,
    "invitations": 5,
    "keys": 6,
    "messaging": 4,
    "orgs": 12,
    "realtime": 3,
}
# (app, name, code of the linter): why it does no harm.
ACCEPTED = {
    ("orgs", "0014_maintenance_and_billing", "CREATE_INDEX"): "of tables that it makes itself",
    ("orgs", "0015_managed_app_versions", "NOT_NULL"): "a trigger of the same migration fills it",
}


def findings(sql: str) -> set[str]:
    """The linter's codes for what old code can't work on, or what blocks those who write."""
    statements = [one.strip() for one in sql.splitlines() if one and not one.startswith("--")]
    made = [one for one in statements if one.startswith("CREATE TABLE")]
    # Of several indexes it looks at the first alone: each by itself, beside what is new.
    each = [[*made, one] for one in statements if re.match("CREATE (UNIQUE )?INDEX", one)]
    found = set()
    for some in (statements, *each):
        errors, _, warnings = analyse_sql_statements(PostgresqlAnalyser, some)
        found |= {issue.code for issue in (*errors, *warnings)}
    return found


def new_migrations() -> list[tuple[str, str]]:
    """Of our own apps, those that came after RELEASED."""
    ours = {path.parent.name for path in ROOT.glob("*/apps.py")}
    return sorted(
        (app, name)
        for app, name in MigrationLoader(None).disk_migrations
        if app in ours and int(name[:4]) > RELEASED.get(app, 0)
    )


@pytest.mark.usefixtures("db")
def test_old_code_works_after_each_new_migration() -> None:
    found = set()
    for app, name in new_migrations():
        said = StringIO()
        call_command("sqlmigrate", app, name, stdout=said)
        found |= {(app, name, code) for code in findings(said.getvalue())}
    assert found == set(ACCEPTED), "see docs/deployment.md, Migrations"


def test_the_released_ones_are_there() -> None:
    """A number that has gone up by mistake would let later ones through."""
    for app, number in RELEASED.items():
        assert list((ROOT / app / "migrations").glob(f"{number:04}_*.py")), app


NEW_TABLE = """
CREATE TABLE "new" ("id" uuid);
CREATE INDEX "one" ON "new" ("id");
"""


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ('ALTER TABLE "keys_device" DROP COLUMN "name" CASCADE;', "DROP_COLUMN"),
        ('ALTER TABLE "keys_device" RENAME COLUMN "name" TO "title";', "RENAME_COLUMN"),
        ('ALTER TABLE "keys_device" ADD COLUMN "pager" text NOT NULL;', "NOT_NULL"),
        ('ALTER TABLE "keys_device" ALTER COLUMN "name" TYPE integer;', "ALTER_COLUMN"),
        ('DROP TABLE "keys_claim" CASCADE;', "DROP_TABLE"),
        ('CREATE INDEX "some" ON "keys_device" ("name");', "CREATE_INDEX"),
        (f'{NEW_TABLE}CREATE INDEX "some" ON "keys_device" ("name");', "CREATE_INDEX"),
    ],
)
def test_the_linter_finds_what_it_is_there_for(sql: str, code: str) -> None:
    assert code in findings(f"BEGIN;\n{sql}\nCOMMIT;")
    assert (
        findings('BEGIN;\nALTER TABLE "keys_device" ADD COLUMN "pager" text NULL;\nCOMMIT;')
        == set()
    )
