"""Whom a message has to reach: read in a snapshot taken after the organisation's lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from keys.selectors.credentials import DeviceCredential
from messaging.models import RoomKind, RoomStatus
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier message of the same id was answered."""

    sender_device_id: UUID
    accepted_at: datetime
    receipt: str
    skipped: list[UUID]


@dataclass(frozen=True, slots=True)
class Standing:
    """The sender and the room, as they are just now."""

    log_id: str
    origin_number: int
    """Of the organisation's log (`audit.logs.origin_of`)."""
    admitted: bool
    """The sending device is approved, its person active."""
    sent_lately: int
    """Messages of the device in the last minute, up to the limit."""
    earlier: Earlier | None
    room_id: UUID | None
    """None where the sender is not in such a room."""
    room_name: str
    external: bool
    open: bool
    """Messages pass."""


STANDING = """
SELECT organisation.log_id,
    coalesce((SELECT origin_number FROM audit_head
              WHERE organisation_id = organisation.id), 1),
    EXISTS (
        SELECT FROM keys_device AS own
        JOIN orgs_membership AS person ON person.id = own.membership_id
        WHERE own.organisation_id = organisation.id AND own.id = %(device)s
          AND own.status = 'approved' AND person.status = 'active'
          AND (person.ends_at IS NULL OR person.ends_at > %(now)s::timestamptz)
    ),
    (SELECT count(*) FROM (
        SELECT FROM messaging_message
        WHERE sender_device_id = %(device)s AND accepted_at > %(since)s::timestamptz
        LIMIT %(limit)s
    ) AS lately),
    earlier.sender_device_id, earlier.accepted_at, earlier.receipt, earlier.skipped,
    room.id, room.name, room.kind, room.status, room.closes_at
FROM orgs_organisation AS organisation
LEFT JOIN messaging_message AS earlier
    ON earlier.organisation_id = organisation.id AND earlier.message_id = %(message)s
LEFT JOIN (
    messaging_room AS room JOIN messaging_roommembership AS own_period
    ON own_period.room_id = room.id AND own_period.membership_id = %(person)s
    AND own_period.ended_at IS NULL
) ON room.organisation_id = organisation.id AND room.id = %(room)s::uuid
WHERE organisation.id = %(organisation)s
"""


def standing(
    *, credential: DeviceCredential, message_id: UUID, room_id: UUID | None = None
) -> Standing:
    """Whether the sender may send there, and what it sent before under this id."""
    now = clock.now()
    with prepared_cursor() as cursor:
        cursor.execute(
            STANDING,
            {
                "organisation": credential.organisation_id,
                "device": credential.device_id,
                "person": credential.membership_id,
                "message": message_id,
                "room": room_id,
                "now": now,
                "since": now - MINUTE,
                "limit": settings.MESSAGES_PER_DEVICE_PER_MINUTE,
            },
        )
        log_id, origin_number, admitted, sent_lately, *rest = cursor.fetchone()
    earlier, (found_id, name, kind, status, closes_at) = rest[:4], rest[4:]
    return Standing(
        log_id=log_id,
        origin_number=origin_number,
        admitted=admitted,
        sent_lately=sent_lately,
        earlier=Earlier(*earlier) if earlier[0] is not None else None,
        room_id=found_id,
        room_name=name or "",
        external=kind == RoomKind.EXTERNAL,
        open=status == RoomStatus.ACTIVE and (closes_at is None or closes_at > now),
    )


@dataclass(frozen=True, slots=True)
class Recipient:
    """A device that a message must have an envelope for."""

    registration_id: int
    reachable: bool
    """Its signed pre-key has not expired; else it may be left out."""
    asleep: bool
    """It has no open socket, and a push would wake it; what failed before is the sweep's to try."""


# A person's devices, whether they can be begun to talk to, and whether a push would wake them.
_DEVICES = """
SELECT device.id, device.registration_id,
    coalesce(spk.uploaded_at > %(fresh)s::timestamptz, false),
    coalesce(push.woken_at IS NULL AND push.failed_at IS NULL AND (connection.closed_at IS NOT NULL
        OR connection.device_id IS NULL OR connection.last_seen < %(seen)s::timestamptz),
        false) AND push.device_id IS NOT NULL
FROM {people}
JOIN keys_device AS device ON device.membership_id = person.id AND device.status = 'approved'
LEFT JOIN keys_signedprekey AS spk ON spk.device_id = device.id AND spk.superseded_at IS NULL
LEFT JOIN messaging_pushtoken AS push ON push.device_id = device.id
LEFT JOIN realtime_connection AS connection ON connection.device_id = device.id
WHERE person.organisation_id = %(organisation)s AND person.status = 'active'
  AND (person.ends_at IS NULL OR person.ends_at > %(now)s::timestamptz)
  AND device.id <> %(device)s
"""

IN_ROOM = _DEVICES.format(
    people="""messaging_roommembership AS period
JOIN orgs_membership AS person ON person.id = period.membership_id
    AND period.room_id = %(room)s AND period.ended_at IS NULL"""
)
IN_ORGANISATION = _DEVICES.format(people="orgs_membership AS person") + (
    " AND person.kind = 'member' AND device.id = ANY(%(among)s::uuid[])"
)

SEEN_WITHIN = timedelta(minutes=11)
"""Twice as long as an open socket's `last_seen` may be behind (realtime.services.SEEN_EVERY)."""


def recipients(
    *, credential: DeviceCredential, room_id: UUID | None = None, among: Sequence[UUID] = ()
) -> Mapping[UUID, Recipient]:
    """The approved devices of the room's active members, less the sending one.

    Without a room: of the organisation's active members, guests not among them, as far as they are
    `among` these devices.
    """
    now = clock.now()
    with prepared_cursor() as cursor:
        cursor.execute(
            IN_ROOM if room_id else IN_ORGANISATION,
            {
                "organisation": credential.organisation_id,
                "device": credential.device_id,
                "room": room_id,
                "among": list(among),
                "now": now,
                "fresh": now - settings.SPK_MAX_AGE,
                "seen": now - SEEN_WITHIN,
            },
        )
        return {device_id: Recipient(*fields) for device_id, *fields in cursor.fetchall()}
