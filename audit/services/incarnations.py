"""What the log process says of the database it works on (ADR 0019)."""

import logging

from django.db import connection

from audit.models.incarnations import Incarnation
from audit.selectors.incarnations import incarnation, standing
from semafore.kernel import clock

logger = logging.getLogger(__name__)

# What was found to be restored stays so until a person has seen to it.
NOTE = """
INSERT INTO audit_incarnation AS known (name, state, noted_at) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET state = excluded.state, noted_at = excluded.noted_at
WHERE known.state <> excluded.state AND (known.state = 'vouched' OR %s)
"""


def vouch(name: str) -> None:
    """Let devices be served from this database: it holds all that was signed."""
    first = standing().first
    if _note(name, Incarnation.State.VOUCHED) and not first:
        logger.warning("vouches for the database %s", name)


def mark_restored() -> None:
    """Keep devices from this database: it lacks what was signed."""
    name = incarnation()
    if _note(name, Incarnation.State.RESTORED):
        logger.error("the database %s was restored: devices wait for after_restore", name)


def reopen(name: str) -> None:
    """Let devices be served from a restored database, once a person has seen to it."""
    _note(name, Incarnation.State.VOUCHED, seen_to=True)


def _note(name: str, state: Incarnation.State, *, seen_to: bool = False) -> bool:
    """Whether that is new."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [name, state, clock.now(), seen_to])
        return bool(cursor.rowcount)
