"""Fixtures: the cast, a database that commits, servers as real processes."""

import math
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import pytest_django
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import signals
from django.db import OperationalError, close_old_connections, connection, reset_queries
from django.test.utils import setup_databases, teardown_databases
from hypothesis import settings as hypothesis_settings

from audit.selectors import replica
from orgs.models import Membership, Organisation, Role
from semafore import redis_url
from semafore.celery import application
from semafore.kernel import realtime
from semafore.kernel.closing import CLOSING
from tests import cast, migrated

# No example fails for the time it took, and the same ones are tried everywhere, in CI or not.
hypothesis_settings.load_profile("ci")


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
) -> Iterator[None]:
    """The test database, also for tests that use `committed` and so bear no django_db mark."""
    with django_db_blocker.unblock():
        made_from = migrated.template(settings.DATABASE_URL)
        connection.settings_dict["TEST"]["TEMPLATE"] = made_from
        # Threads of a test may be more than connections: each waits for as long as others take.
        connection.settings_dict["OPTIONS"].get("pool", {})["timeout"] = 120
        databases = setup_databases(verbosity=0, interactive=False)
        yield
        teardown_databases(databases, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def tasks() -> None:
    """Every app's tasks are there, as in a worker, whichever a test's own imports bring."""
    application.loader.import_default_modules()
    application.finalize()


LEAST_COSTS = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
REAL_COSTS = {cost: getattr(Argon2PasswordHasher, cost) for cost in LEAST_COSTS}


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashing them as in production was a third of the suite's time."""
    with pytest.MonkeyPatch.context() as patch:
        for cost, least in LEAST_COSTS.items():
            patch.setattr(Argon2PasswordHasher, cost, least)
        yield


@pytest.fixture(autouse=True)
def keep_the_tests_connection() -> None:
    """The application runs in the test's own thread and transaction: a request doesn't end them."""
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)


@pytest.fixture(autouse=True)
def count_from_nothing() -> None:
    """Django keeps the last 9000 statements that tests counted, and counts none beyond."""
    reset_queries()


@pytest.fixture(autouse=True)
def servers_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that met no Redis, or no replica, leaves it alone for some seconds: the next test
    expects it to be asked.
    """
    monkeypatch.setattr(realtime, "_quiet_until", 0.0)
    monkeypatch.setattr(replica, "_quiet_until", 0.0)


@pytest.fixture(autouse=True)
def open_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process asks each second whether it is closed: here not before something has been closed,
    so that the statements of a request can be counted, and one test closes no other.
    """
    monkeypatch.setattr(CLOSING, "_closure", None)
    monkeypatch.setattr(CLOSING, "_asked_at", math.inf)
    monkeypatch.setattr(CLOSING, "_ready", True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes begin first: no worker is left with one of them in the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_configure() -> None:
    """Each worker of pytest-xdist has a database of Valkey, as it has one of PostgreSQL.

    Or one would find the other's tasks in a queue, delete them, or hand them to a Celery worker.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % DATABASES
    os.environ["REDIS_URL"] = urlsplit(settings.REDIS_URL)._replace(path=f"/{number}").geturl()
    settings.REDIS = redis_url.read("REDIS_URL", "")
    settings.REDIS_URL = settings.CELERY_BROKER_URL = settings.REDIS.url


DATABASES = 8
"""Of the sixteen that Valkey has: as many are left to tests that want one of their own."""

LONG = tuple(
    f"tests/{part}/" for part in ("browser", "restoration", "deploy", "clients", "security")
)


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
