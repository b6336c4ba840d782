"""What became of a message, for its sender."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection

from audit.selectors.expired import Cutoffs
from audit.selectors.retention import periods
from messaging.models import Message
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id


class DeliveryStatus(StrEnum):
    """Where an envelope is: in its mailbox, with its device, or given up."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device's envelope."""

    device_id: UUID
    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """A message as its sender may see it."""

    accepted_at: datetime
    receipt: str
    devices: Sequence[DeviceStatus]


# One snapshot: an envelope that is acknowledged meanwhile is in one of the two, never in neither.
STATUS = """
SELECT message.accepted_at, message.receipt, one.device_id, one.status
FROM messaging_message AS message
LEFT JOIN LATERAL (
    SELECT device_id, %(waiting)s AS status FROM messaging_envelope WHERE message_id = message.id
    UNION ALL
    SELECT device_id, outcome FROM messaging_delivery WHERE message_id = message.id
) AS one ON true
WHERE message.organisation_id = %(organisation)s AND message.message_id = %(message)s
  AND message.sender_id = %(sender)s AND message.accepted_at >= %(since)s
ORDER BY one.device_id
"""


def _since() -> datetime:
    """What was accepted before is gone for its sender, also where a hold keeps it (ADR 0015)."""
    return Cutoffs.of(periods()).metadata_before


def event_of_message(*, message_id: UUID, sender_id: UUID) -> UUID:
    """The event by which a message of this person's stands in the log. Raises NotFound."""
    own = Message.objects.filter(
        message_id=message_id, sender_id=sender_id, accepted_at__gte=_since()
    )
    event_id = own.values_list("event_id", flat=True).first()
    if event_id is None:
        raise NotFound
    return event_id


def message_status(*, message_id: UUID, sender_id: UUID) -> MessageStatus:
    """A message of this person's, by the id that its device gave it. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(
            STATUS,
            {
                "organisation": current_organisation_id(),
                "message": message_id,
                "sender": sender_id,
                "waiting": DeliveryStatus.WAITING,
                "since": _since(),
            },
        )
        rows = cursor.fetchall()
    if not rows:
        raise NotFound
    accepted_at, receipt = rows[0][:2]
    devices = [
        DeviceStatus(device_id, DeliveryStatus(status))
        for _, _, device_id, status in rows
        if device_id is not None
    ]
    return MessageStatus(accepted_at, receipt, devices)
