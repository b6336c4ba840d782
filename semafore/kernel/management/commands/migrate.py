"""`manage.py migrate`: Django's own, for a database that is in use meanwhile.

A statement that waits for a lock has everybody else's statements on that table wait behind it. So
it gives up soon, they go on, and it tries again. Two that migrate at one time follow each other.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import LockNotAvailable, QueryCanceled

# Of one database; the number is arbitrary.
ONE_AT_A_TIME = 0x5E3AF0
REMEDY = (
    "Find who holds it (docs/deployment.md, Migrations), then run this again: it goes on there."
)


class Command(migrate.Command):
    """Django's, with limits on locks and statements, and another try."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's, and the limits."""
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout", type=int, default=2, metavar="SECONDS",
            help="how long a statement waits for a lock, and others behind it (2; 0: for ever)",
        )  # fmt: skip
        parser.add_argument(
            "--statement-timeout", type=int, default=60, metavar="SECONDS",
            help="how long a statement may take, with the lock it has (60; 0: for ever)",
        )  # fmt: skip
        parser.add_argument(
            "--attempts", type=int, default=30, help="how often to try for a lock (30)"
        )
        parser.add_argument(
            "--pause", type=float, default=5, metavar="SECONDS", help="between attempts (5)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Each migration is one transaction, so the next attempt goes on with the one that failed.

        Raises CommandError where the locks were not to be had, or a statement took too long.
        """
        connection = connections[options["database"]]
        limits = {
            "lock_timeout": options["lock_timeout"],
            "statement_timeout": options["statement_timeout"],
        }
        for attempt in range(1, options["attempts"] + 1):
            try:
                with _limited(connection, limits), _alone(connection):
                    super().handle(*args, **options)
            except OperationalError as error:
                if isinstance(error.__cause__, QueryCanceled):
                    raise CommandError(f"{error}".strip()) from error
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                self.stderr.write(f"Attempt {attempt}: a lock was not to be had, nobody waits.")
            else:
                return
            if attempt < options["attempts"]:
                time.sleep(options["pause"])
        raise CommandError(f"The lock was not to be had. {REMEDY}")


@contextmanager
def _limited(connection: BaseDatabaseWrapper, seconds: dict[str, int]) -> Iterator[None]:
    with connection.cursor() as cursor:
        for name, limit in seconds.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, f"{limit}s"])
    try:
        yield
    finally:
        if connection.connection is not None and not connection.closed_in_transaction:
            with connection.cursor() as cursor:
                for name in seconds:
                    cursor.execute(f"RESET {name}")


@contextmanager
def _alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
