"""How much is said: numbers of messages, never who said what to whom."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count, Sum

from messaging.models import Message
from semafore.kernel import clock
from semafore.kernel.ids import first_uuid7
from semafore.kernel.tenancy import current_organisation_id


@dataclass(frozen=True, slots=True)
class Day:
    """A day in UTC, and how many messages were accepted on it."""

    date: date
    messages: int


# Ids of messages are in order of time, so the index of (organisation, id) counts without a row.
BY_DAY = """
SELECT (
    SELECT count(*) FROM messaging_message
    WHERE organisation_id = %(organisation)s AND id >= day.first AND id < day.beyond
)
FROM unnest(%(firsts)s::uuid[], %(beyonds)s::uuid[]) WITH ORDINALITY AS day(first, beyond, number)
ORDER BY day.number
"""


def messages_a_day(days: int) -> list[Day]:
    """The last so many days, today the last of them."""
    today = clock.now().date()
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    edges = [
        first_uuid7(datetime.combine(one, time.min, UTC))
        for one in (*dates, today + timedelta(days=1))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            BY_DAY,
            {
                "organisation": current_organisation_id(),
                "firsts": edges[:-1],
                "beyonds": edges[1:],
            },
        )
        counts = [row[0] for row in cursor.fetchall()]
    return [Day(one, count) for one, count in zip(dates, counts, strict=True)]


@dataclass(frozen=True, slots=True)
class Volume:
    """What was said in a room in the last so many days."""

    days: int
    messages: int
    size: int
    """Bytes of ciphertext."""


def volume_of(room_id: UUID, *, days: int = 30) -> Volume:
    """How much was said in the room lately."""
    since = clock.now() - timedelta(days=days)
    found = Message.objects.filter(room_id=room_id, accepted_at__gt=since).aggregate(
        messages=Count("id"), size=Sum("size")
    )
    return Volume(days, found["messages"], int(found["size"] or 0))
