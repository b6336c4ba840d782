"""Fixtures: the cast, a database that commits, servers as real processes."""

from collections.abc import Iterator

import pytest
import pytest_django
from django.core import signals
from django.db import OperationalError, close_old_connections, connection
from django.test.utils import setup_databases, teardown_databases

from orgs.models import Membership, Organisation, Role
from tests import cast


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
) -> Iterator[None]:
    """The test database, also for tests that use `committed` and so bear no django_db mark."""
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False)
        yield
        teardown_databases(databases, verbosity=0)


@pytest.fixture(autouse=True)
def keep_the_tests_connection() -> None:
    """The application runs in the test's own thread and transaction: a request doesn't end them."""
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)


@pytest.fixture
def acme(db: None) -> Organisation:
    """Alice's organisation."""
    return cast.organisation("Acme")


@pytest.fixture
def globex(db: None) -> Organisation:
    """Charlie's organisation."""
    return cast.organisation("Globex")


@pytest.fixture
def alice(acme: Organisation) -> Membership:
    """Owner of Acme."""
    return cast.member(acme, "Alice", Role.OWNER)


@pytest.fixture
def bob(acme: Organisation) -> Membership:
    """Member of Acme."""
    return cast.member(acme, "Bob")


@pytest.fixture
def charlie(globex: Organisation) -> Membership:
    """Owner of Globex, who must see nothing of Acme."""
    return cast.member(globex, "Charlie", Role.OWNER)


@pytest.fixture
def alice_phone(alice: Membership) -> cast.Phone:
    """Alice's approved device."""
    return cast.phone(alice)


@pytest.fixture
def bob_phone(bob: Membership) -> cast.Phone:
    """Bob's approved device."""
    return cast.phone(bob)


@pytest.fixture
def charlie_phone(charlie: Membership) -> cast.Phone:
    """Charlie's approved device."""
    return cast.phone(charlie)


ATTEMPTS = 10


def empty_every_table() -> None:
    """Truncate all tables but the migrations', however often another process is in the way.

    A server under test may be reading: who loses a deadlock with it tries again.
    """
    for attempt in range(ATTEMPTS):
        try:
            _empty_every_table()
        except OperationalError:
            # It is left within its failed transaction.
            connection.close()
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


def _empty_every_table() -> None:
    """The log's own triggers are lifted for that."""
    with connection.cursor() as cursor:
        tables = [
            name
            for name in connection.introspection.table_names(cursor)
            if name not in {"django_migrations", "django_content_type", "auth_permission"}
        ]
        cursor.execute(
            "BEGIN;"
            + "".join(f"ALTER TABLE {name} DISABLE TRIGGER USER;" for name in tables)
            + f"TRUNCATE {', '.join(tables)};"
            + "".join(f"ALTER TABLE {name} ENABLE TRIGGER USER;" for name in tables)
            + "COMMIT"
        )


@pytest.fixture
def committed(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """A database in which transactions really commit, for threads and other processes."""
    with django_db_blocker.unblock():
        yield
        empty_every_table()
        connection.close()
