"""A device's mailbox: envelopes go out, wait for their acknowledgement, and are gone.

What is under way is known by rows, not by a mark up to which all was read: identity values commit
out of their order. Rows are locked in the order of their positions, or skipped when others hold
them, so that deliveries and acknowledgements of the same devices never wait for each other in
circles.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import connection, transaction

from audit.services.recording import Fact, Ref, record_many
from messaging.events.messages import MessageDelivered
from messaging.models import Outcome, RoomKind
from semafore.kernel import clock
from semafore.kernel.actor import Actor, acting_as
from semafore.kernel.database import prepared_cursor
from semafore.kernel.tenancy import current_organisation_id

IN_FLIGHT_MAX = 256
"""Unacknowledged envelopes of one socket (api.md, Device socket)."""
HANDFUL = 32
"""Envelopes of one look: at 96 KiB each, what a socket's process holds for a slow client."""
PATIENCE = 5
"""So often an envelope goes out in its turn; then last, for it may be what breaks the client."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An envelope on its way to a device."""

    envelope_id: UUID
    message_id: UUID
    room_id: UUID | None
    sender_device_id: UUID
    suite: str
    type: str
    ciphertext: bytes
    accepted_at: datetime


# `serial` is the connection on which they go; null for REST, where what is under way on an open
# socket stays there and nothing is noted as under way.
TAKE = """
WITH wanted AS (
    SELECT * FROM unnest(%(devices)b::uuid[], %(serials)b::bigint[]) AS one(device_id, serial)
), chosen AS (
    SELECT one.position, wanted.serial
    FROM wanted
    LEFT JOIN realtime_connection AS connection ON connection.device_id = wanted.device_id
        AND connection.closed_at IS NULL
    CROSS JOIN LATERAL (
        SELECT least(%(handful)s::bigint, %(most)s - count(*)) AS free
        FROM (SELECT FROM messaging_envelope
              WHERE device_id = wanted.device_id AND flight = wanted.serial
              LIMIT %(most)s) AS under_way
    ) AS room
    CROSS JOIN LATERAL (
        (SELECT position, false AS last FROM messaging_envelope
         WHERE device_id = wanted.device_id AND attempts < %(patience)s
           AND flight IS DISTINCT FROM coalesce(wanted.serial, connection.serial, -1)
         ORDER BY position LIMIT %(handful)s)
        UNION ALL
        (SELECT position, true FROM messaging_envelope
         WHERE device_id = wanted.device_id AND attempts >= %(patience)s
           AND flight IS DISTINCT FROM coalesce(wanted.serial, connection.serial, -1)
         ORDER BY position LIMIT %(handful)s)
        ORDER BY last, position LIMIT room.free
    ) AS one
), held AS (
    SELECT position FROM messaging_envelope
    WHERE position IN (SELECT position FROM chosen) FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE messaging_envelope AS envelope
    SET flight = coalesce(chosen.serial, envelope.flight),
        attempts = least(envelope.attempts + 1, 10000)
    FROM chosen JOIN held USING (position)
    WHERE envelope.position = chosen.position
    RETURNING envelope.*
)
SELECT taken.device_id, taken.envelope_id, message.message_id, message.room_id,
    message.sender_device_id, taken.suite, taken.type, taken.ciphertext, message.accepted_at
FROM taken JOIN messaging_message AS message ON message.id = taken.message_id
WHERE taken.organisation_id = %(organisation)s
ORDER BY taken.device_id, taken.attempts > %(patience)s, taken.position
"""


def take(
    serials: Mapping[UUID, int | None], *, handful: int = HANDFUL
) -> dict[UUID, list[Waiting]]:
    """The next envelopes of these devices, oldest first, now under way on these connections.

    `serials`: the device's connection; None for a device that asks by REST. The caller has checked
    that the devices may have them.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            TAKE,
            {
                "organisation": current_organisation_id(),
                "devices": list(serials.keys()),
                "serials": list(serials.values()),
                "handful": handful,
                "most": IN_FLIGHT_MAX,
                "patience": PATIENCE,
            },
        )
        rows = cursor.fetchall()
    return {
        device_id: [Waiting(*row[1:]) for row in of_device]
        for device_id, of_device in groupby(rows, key=lambda row: row[0])
    }


ACKNOWLEDGE = """
WITH named AS (
    SELECT DISTINCT device_id, envelope_id
    FROM unnest(%(devices)b::uuid[], %(envelopes)b::uuid[]) AS one(device_id, envelope_id)
), held AS (
    SELECT envelope.position
    FROM messaging_envelope AS envelope JOIN named USING (device_id, envelope_id)
    WHERE envelope.organisation_id = %(organisation)s
    ORDER BY envelope.position FOR UPDATE OF envelope
), gone AS (
    DELETE FROM messaging_envelope WHERE position IN (SELECT position FROM held)
    RETURNING device_id, message_id
), noted AS (
    INSERT INTO messaging_delivery (organisation_id, message_id, device_id, outcome, at)
    SELECT %(organisation)s, message_id, device_id, %(outcome)s, %(at)s FROM gone
)
SELECT gone.device_id, message.message_id, room.id, room.name, room.kind
FROM gone JOIN messaging_message AS message ON message.id = gone.message_id
LEFT JOIN messaging_room AS room ON room.id = message.room_id
"""


def acknowledge(*, device: Actor, envelope_ids: Iterable[UUID]) -> int:
    """The device has these: their ciphertext is deleted, the time kept; how many were waiting."""
    assert device.id is not None  # noqa: S101 - a device's actor bears its id
    return acknowledge_all([(device, envelope_ids)])


@transaction.atomic
def acknowledge_all(acks: Sequence[tuple[Actor, Iterable[UUID]]]) -> int:
    """The same for several devices. Unknown envelopes, and those of others, are as if not named.

    In an external room each delivery is an event of the device's (product.md, section 4).
    """
    pairs = [(device.id, envelope_id) for device, ids in acks for envelope_id in ids]
    if not pairs:
        return 0
    with prepared_cursor() as cursor:
        cursor.execute(
            ACKNOWLEDGE,
            {
                "organisation": current_organisation_id(),
                "devices": [device_id for device_id, _ in pairs],
                "envelopes": [envelope_id for _, envelope_id in pairs],
                "outcome": Outcome.DELIVERED,
                "at": clock.now(),
            },
        )
        rows = cursor.fetchall()
    facts: defaultdict[UUID, list[Fact]] = defaultdict(list)
    for device_id, message_id, room_id, room_name, kind in rows:
        if kind == RoomKind.EXTERNAL:
            room = Ref(kind="room", id=room_id, label=room_name)
            facts[device_id].append(Fact(MessageDelivered(message_id=message_id), room=room))
    for device in {device.id: device for device, _ in acks}.values():
        if device.id in facts:
            with acting_as(device):
                record_many(facts[device.id])
    _came([device.id for device, _ in acks if device.id is not None])
    return len(rows)


def _came(device_ids: Sequence[UUID]) -> None:
    """The devices are awake: the next thing that waits wakes them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_pushtoken SET woken_at = NULL"
            " WHERE device_id = ANY(%s) AND woken_at IS NOT NULL",
            [list(device_ids)],
        )
