"""A device's mailbox: envelopes go out, wait for their acknowledgement, and are gone.

What is under way is known by rows, not by a mark up to which all was read: identity values commit
out of their order. Rows are locked in the order of devices and positions, or skipped when others
hold them, so that deliveries and acknowledgements never wait for each other in circles.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit.services.recording import Fact, Ref, record_many
from messaging.events.messages import MessageDelivered
from messaging.models import Outcome, RoomKind
from messaging.selectors.recipients import SEEN_WITHIN
from semafore.kernel import clock
from semafore.kernel.actor import Actor, acting_as
from semafore.kernel.database import prepared_cursor
from semafore.kernel.tenancy import current_organisation_id

IN_FLIGHT_MAX = 256
"""Unacknowledged envelopes of one socket (api.md, Device socket)."""
HANDFUL = 32
"""Envelopes of one look."""
HANDFUL_BYTES = 2**20
"""Ciphertext of one look or answer, unless a single envelope: what a process holds for a client."""
PATIENCE = 5
"""So often an envelope goes out in its turn; then last, for it may be what breaks the client."""
FRONT = 2 * IN_FLIGHT_MAX
"""Of a mailbox so many are looked at, the oldest: a look costs the same however many wait behind.

More than can be under way, so while others wait behind them, none that goes last is in the way.
"""


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


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of a mailbox, whether it can give more at once, and whether only acks make room."""

    envelopes: Sequence[Waiting]
    more: bool
    full: bool = False


# An envelope can be had unless it is under way on a connection of serial `bound` or later: the
# asking socket's own, or for REST (serial null) that of a socket that is open. Serials only grow,
# so of two connections' looks at once the newer one's counts, whichever comes first.
# What others hold just now is left out and has its row all the same: the caller looks again.
# `(SELECT array)`: planned once a connection, not for each array (keys/models/prekeys.py).
TAKE = """
WITH wanted AS (
    SELECT one.device_id, one.serial, coalesce(one.serial, opened.serial, %(never)s) AS bound
    FROM unnest((SELECT %(devices)b::uuid[]), (SELECT %(serials)b::bigint[]))
        AS one(device_id, serial)
    LEFT JOIN realtime_connection AS opened ON one.serial IS NULL
        AND opened.device_id = one.device_id AND opened.closed_at IS NULL
        AND opened.last_seen > %(seen)s::timestamptz
), front AS (
    SELECT wanted.*, one.position, one.waits,
        count(*) FILTER (WHERE NOT one.waits) OVER mailbox AS under_way,
        count(*) FILTER (WHERE one.waits) OVER mailbox AS waiting,
        row_number() OVER in_turn AS turn,
        sum(one.size) OVER in_turn AS bytes
    FROM wanted CROSS JOIN LATERAL (
        SELECT position, attempts >= %(patience)s AS late, octet_length(ciphertext) AS size,
            coalesce(flight, 0) < wanted.bound AS waits
        FROM messaging_envelope
        WHERE device_id = wanted.device_id AND organisation_id = %(organisation)s
        ORDER BY position LIMIT %(front)s
    ) AS one
    WINDOW mailbox AS (PARTITION BY wanted.device_id),
        in_turn AS (PARTITION BY wanted.device_id, one.waits ORDER BY one.late, one.position)
), chosen AS (
    SELECT * FROM front
    WHERE waits AND turn <= %(handful)s AND (turn = 1 OR bytes <= %(bytes)s)
      AND (serial IS NULL OR turn <= %(most)s - under_way)
), held AS (
    SELECT envelope.position
    FROM messaging_envelope AS envelope JOIN chosen USING (position)
    WHERE coalesce(envelope.flight, 0) < chosen.bound
    FOR UPDATE OF envelope SKIP LOCKED
), taken AS (
    UPDATE messaging_envelope AS envelope
    SET flight = coalesce(chosen.serial, envelope.flight),
        attempts = least(envelope.attempts + 1, 10000)
    FROM chosen JOIN held USING (position)
    WHERE envelope.position = chosen.position
    RETURNING envelope.*
)
SELECT chosen.device_id, chosen.serial, chosen.under_way, chosen.waiting, taken.envelope_id,
    message.message_id, message.room_id, message.sender_device_id, taken.suite, taken.type,
    taken.ciphertext, message.accepted_at
FROM chosen LEFT JOIN taken USING (position)
LEFT JOIN messaging_message AS message ON message.id = taken.message_id
ORDER BY chosen.device_id, chosen.turn
"""
NEVER = 2**63 - 1
"""Greater than any serial."""


def take(serials: Mapping[UUID, int | None], *, handful: int = HANDFUL) -> dict[UUID, Batch]:
    """The next envelopes of these devices, oldest first, now under way on these connections.

    `serials`: the device's connection; None for a device that asks by REST, which notes nothing as
    under way and leaves what is under way on an open socket to that. Devices for which nothing
    waits are left out. The caller has checked that the devices may have them.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            TAKE,
            {
                "organisation": current_organisation_id(),
                "devices": list(serials.keys()),
                "serials": list(serials.values()),
                "handful": handful,
                "bytes": HANDFUL_BYTES,
                "most": IN_FLIGHT_MAX,
                "front": FRONT,
                "patience": PATIENCE,
                "never": NEVER,
                "seen": clock.now() - SEEN_WITHIN,
            },
        )
        rows = cursor.fetchall()
    return {
        device_id: _batch([row[1:] for row in of_device])
        for device_id, of_device in groupby(rows, key=lambda row: row[0])
    }


def _batch(rows: Sequence[tuple[Any, ...]]) -> Batch:
    serial, under_way, waiting = rows[0][:3]
    full = serial is not None and under_way + len(rows) >= IN_FLIGHT_MAX
    behind = waiting > len(rows) or under_way + waiting >= FRONT
    envelopes = [Waiting(*row[3:]) for row in rows if row[3] is not None]
    return Batch(envelopes, more=len(envelopes) < len(rows) or (behind and not full), full=full)


PUT_BACK = """
WITH held AS (
    SELECT envelope.position FROM messaging_envelope AS envelope
    JOIN unnest(%(devices)s::uuid[], %(serials)s::bigint[]) AS one(device_id, serial)
        ON envelope.device_id = one.device_id AND envelope.flight = one.serial
    WHERE envelope.organisation_id = %(organisation)s
    ORDER BY envelope.device_id, envelope.position FOR UPDATE OF envelope
)
UPDATE messaging_envelope SET flight = NULL WHERE position IN (SELECT position FROM held)
"""


def put_back(serials: Mapping[UUID, int]) -> None:
    """What is under way on these connections waits again: it may never have been sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            PUT_BACK,
            {
                "organisation": current_organisation_id(),
                "devices": list(serials.keys()),
                "serials": list(serials.values()),
            },
        )


def fetch(*, device_id: UUID, limit: int) -> Batch:
    """The same for one device that asks by REST: it is awake."""
    batch = take({device_id: None}, handful=limit).get(device_id)
    came([device_id])
    return batch or Batch((), more=False)


ACKNOWLEDGE = """
WITH named AS (
    SELECT DISTINCT device_id, envelope_id
    FROM unnest(%(devices)b::uuid[], %(envelopes)b::uuid[]) AS one(device_id, envelope_id)
), held AS (
    SELECT envelope.position
    FROM messaging_envelope AS envelope JOIN named USING (device_id, envelope_id)
    WHERE envelope.organisation_id = %(organisation)s
    ORDER BY envelope.device_id, envelope.position FOR UPDATE OF envelope
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
    for device_id, device in {device.id: device for device, _ in acks}.items():
        if device_id is not None and device_id in facts:
            with acting_as(device):
                record_many(facts[device_id])
    came([device.id for device, _ in acks if device.id is not None])
    return len(rows)


def came(device_ids: Sequence[UUID]) -> None:
    """The devices are awake: the next thing that waits wakes them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_pushtoken SET woken_at = NULL"
            " WHERE organisation_id = %s AND device_id = ANY(%s) AND woken_at IS NOT NULL",
            [current_organisation_id(), list(device_ids)],
        )
