"""When messages were sent: hour by weekday, in a time zone of the asker's choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from reports.questions import DAYS_OF_WEEK, HOURS, Question
from semafore.kernel.tenancy import current_organisation_id

# Quarters of an hour: the offsets of all time zones are multiples of it. The parts of a broadcast
# are one message, at the time of its first part in the period.
QUARTERS = """
SELECT date_bin('15 minutes', sent_at, 'epoch'), count(*) FROM (
    SELECT accepted_at AS sent_at FROM messaging_message AS message
    WHERE organisation_id = %(organisation)s AND broadcast_id IS NULL
      AND accepted_at >= %(from_at)s AND accepted_at < %(to_at)s {which}
    UNION ALL
    SELECT min(accepted_at) FROM messaging_message AS message
    WHERE organisation_id = %(organisation)s AND broadcast_id IS NOT NULL
      AND accepted_at >= %(from_at)s AND accepted_at < %(to_at)s {which}
    GROUP BY broadcast_id
) AS sent
GROUP BY 1
"""
BY_PERSON = """AND sender_device_id IN (
        SELECT id FROM keys_device
        WHERE organisation_id = %(organisation)s AND membership_id = %(person)s
    )"""
IN_ROOM = "AND room_id = %(room)s"


@dataclass(frozen=True, slots=True)
class Timing:
    """How many messages were sent in which hour of which day of the week."""

    hours: Sequence[Sequence[int]]
    """Seven days from Monday on, of 24 hours each."""
    total: int
    out_of_hours: int

    @property
    def most(self) -> int:
        """In any hour of any day of the week."""
        return max(max(day) for day in self.hours)

    @property
    def share(self) -> float | None:
        """Out of hours, of all; None of nothing."""
        return self.out_of_hours / self.total if self.total else None


def timing(question: Question) -> Timing:
    """Messages sent by the person, in the room, or in the organisation, within the period."""
    which = BY_PERSON if question.person else IN_ROOM if question.room else ""
    values: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "person": question.person,
        "room": question.room,
        "from_at": question.from_at,
        "to_at": question.to_at,
    }
    zone = ZoneInfo(question.time_zone)
    hours = [[0] * HOURS for _ in DAYS_OF_WEEK]
    with connection.cursor() as cursor:
        cursor.execute(QUARTERS.format(which=which), values)
        for quarter, messages in cursor:
            there = quarter.astimezone(zone)
            hours[there.weekday()][there.hour] += messages
    total = sum(map(sum, hours))
    within = sum(
        hours[day - 1][hour]
        for day in question.work_days
        for hour in range(question.work_from, question.work_until)
    )
    return Timing(hours, total, total - within)
