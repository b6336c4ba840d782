"""How much waits in all mailboxes, and how pushes do: for monitoring."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from semafore.kernel import clock

# The oldest is the one of the lowest position: envelopes get them in the order of time.
WAITING = """
SELECT (SELECT count(*) FROM messaging_envelope),
    (SELECT message.accepted_at
     FROM (SELECT message_id FROM messaging_envelope ORDER BY position LIMIT 1) AS first
     JOIN messaging_message AS message ON message.id = first.message_id)
"""

PUSHES = """
SELECT count(*), count(*) FILTER (WHERE failures > 0), count(*) FILTER (WHERE failures > 2)
FROM messaging_pushtoken
"""


@dataclass(frozen=True, slots=True)
class MailboxHealth:
    """Of all mailboxes together."""

    envelopes: int
    oldest_age: timedelta


@dataclass(frozen=True, slots=True)
class PushHealth:
    """Of all devices that can be woken."""

    tokens: int
    failing: int
    """Whose last push failed."""
    failing_on: int
    """Whose last three did."""


def mailbox_health() -> MailboxHealth:
    """An age is zero where nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        envelopes, oldest = cursor.fetchone()
    age = max(clock.now() - oldest, timedelta()) if oldest else timedelta()
    return MailboxHealth(envelopes, age)


def push_health() -> PushHealth:
    """In one statement."""
    with connection.cursor() as cursor:
        cursor.execute(PUSHES)
        return PushHealth(*cursor.fetchone())
