"""Whether this database is one that may be served from (ADR 0019)."""

from dataclasses import dataclass

from django.db import connection

from audit.models.incarnations import Incarnation
from semafore.kernel.database import prepared_cursor

# A point-in-time recovery and a promotion begin a timeline, a dump is restored into a database of
# another oid, another cluster has another identifier. The control file's timeline is older than the
# WAL's just after a promotion.
CURRENT = """
SELECT (SELECT system_identifier FROM pg_control_system())
    || '/' || ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
    || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS name
"""

STANDING = f"""
WITH current AS MATERIALIZED ({CURRENT})
SELECT current.name, known.state, EXISTS (SELECT FROM audit_incarnation)
FROM current LEFT JOIN audit_incarnation AS known USING (name)
"""  # noqa: S608 - statements of ours


@dataclass(frozen=True, slots=True)
class Standing:
    """The database that this process is connected to, and what is known of it."""

    name: str
    state: str | None
    """Of `Incarnation.State`; None: the log process hasn't looked at it."""
    first: bool
    """No log process ever looked at a database of this deployment, so there is nothing to fear."""

    @property
    def restored(self) -> bool:
        """Whether it waits for a person."""
        return self.state == Incarnation.State.RESTORED

    @property
    def vouched(self) -> bool:
        """Whether devices may be served from it."""
        return self.first or self.state == Incarnation.State.VOUCHED


def standing() -> Standing:
    """Of the current connection's database. Raises OperationalError on a standby."""
    with prepared_cursor() as cursor:
        cursor.execute(STANDING)
        name, state, any_known = cursor.fetchone()
    return Standing(name, state, first=not any_known)


def incarnation() -> str:
    """The name of the current connection's database."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT)
        return str(cursor.fetchone()[0])
