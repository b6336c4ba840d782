"""Who wrote to whom: from messages, and the devices that got them or for which they wait.

An envelope that expired reached nobody. Several devices of a person are one recipient, and the
parts of a broadcast one message. A sender's own other devices are no recipient.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from reports.questions import Question
from semafore.kernel.tenancy import current_organisation_id


@dataclass(frozen=True, slots=True)
class Tie:
    """Messages of one person that reached another."""

    sender_id: UUID
    recipient_id: UUID
    messages: int
    first_at: datetime
    """When the first of them was accepted."""
    last_at: datetime


_MESSAGES = """
    SELECT message.id, message.broadcast_id, message.sender_id, message.accepted_at
    FROM {source}
    WHERE message.organisation_id = %(organisation)s
      AND message.accepted_at >= %(from_at)s AND message.accepted_at < %(to_at)s
      AND (%(broadcasts)s OR message.broadcast_id IS NULL) AND {which}"""

# Devices, since messages have an index by them.
SENT = _MESSAGES.format(
    source="messaging_message AS message", which="message.sender_device_id = ANY(%(devices)s)"
)
IN_ROOM = _MESSAGES.format(
    source="messaging_message AS message", which="message.room_id = %(room)s"
)
# Deliveries have no index by device. What somebody can have got was sent in a room while they were
# in it, or was a broadcast.
RECEIVED = "\n    UNION ALL".join(
    (
        _MESSAGES.format(
            source="""(
        SELECT DISTINCT room_id FROM messaging_roommembership
        WHERE organisation_id = %(organisation)s AND membership_id = ANY(%(people)s)
          AND added_at < %(to_at)s AND (ended_at IS NULL OR ended_at >= %(from_at)s)
    ) AS place JOIN messaging_message AS message ON message.room_id = place.room_id""",
            which="true",
        ),
        _MESSAGES.format(
            source="""messaging_broadcast AS broadcast
    JOIN messaging_message AS message ON message.broadcast_id = broadcast.id""",
            which="""broadcast.organisation_id = %(organisation)s
      AND broadcast.started_at < %(to_at)s
      AND (broadcast.finished_at IS NULL OR broadcast.finished_at >= %(from_at)s)""",
        ),
    )
)

# Joined, not looked up message by message: of many messages it costs less to read the deliveries
# through, and PostgreSQL knows of how many that is so. Whose a device is, is asked once everything
# is found: asked before, PostgreSQL reads all devices each time.
TIES = """
WITH chosen AS MATERIALIZED ({messages}
), reached AS (
    SELECT chosen.*, one.device_id
    FROM chosen JOIN messaging_delivery AS one ON one.message_id = chosen.id
    WHERE one.organisation_id = %(organisation)s AND one.outcome = 'delivered'{among}
    UNION ALL
    SELECT chosen.*, one.device_id
    FROM chosen JOIN messaging_envelope AS one ON one.message_id = chosen.id
    WHERE one.organisation_id = %(organisation)s{among}
), got AS (
    SELECT reached.sender_id, device.membership_id,
        min(reached.accepted_at) AS first_at, max(reached.accepted_at) AS last_at
    FROM reached JOIN keys_device AS device ON device.id = reached.device_id
    WHERE device.organisation_id = %(organisation)s
      AND device.membership_id <> reached.sender_id{within}
    GROUP BY coalesce(reached.broadcast_id, reached.id), reached.sender_id, device.membership_id
)
SELECT sender_id, membership_id, count(*), min(first_at), max(last_at)
FROM got GROUP BY sender_id, membership_id
"""
AMONG = " AND device_id = ANY(%(devices)s)"
# Of many people it costs less to read all deliveries of a message than to look for each device.
WITHIN = " AND device.membership_id = ANY(%(people)s)"


def sent_by(people: Collection[UUID], question: Question) -> list[Tie]:
    """What these people wrote, to anybody."""
    return _ties(SENT, question, people)


def received_by(people: Collection[UUID], question: Question) -> list[Tie]:
    """What reached these people, from anybody."""
    return _ties(RECEIVED, question, people, among=AMONG)


def exchanged_among(people: Collection[UUID], question: Question) -> list[Tie]:
    """What these people wrote to each other."""
    return _ties(SENT, question, people, within=WITHIN)


def written_in(room_id: UUID, question: Question) -> list[Tie]:
    """What was written in a room, by and to anybody."""
    return _ties(IN_ROOM, question, (), room=room_id)


DEVICES = """
SELECT id FROM keys_device WHERE organisation_id = %(organisation)s
AND membership_id = ANY(%(people)s)
"""


def _ties(
    messages: str,
    question: Question,
    people: Collection[UUID],
    *,
    among: str = "",
    within: str = "",
    room: UUID | None = None,
) -> list[Tie]:
    values: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "people": list(people),
        "devices": [],
        "room": room,
        "from_at": question.from_at,
        "to_at": question.to_at,
        "broadcasts": question.broadcasts,
    }
    with connection.cursor() as cursor:
        if people:
            cursor.execute(DEVICES, values)
            values["devices"] = [row[0] for row in cursor.fetchall()]
        cursor.execute(TIES.format(messages=messages, among=among, within=within), values)
        return [Tie(*row) for row in cursor.fetchall()]
