"""What waits in mailboxes."""

from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from semafore.kernel.tenancy import current_organisation_id

DRAINED = """
SELECT one.device_id
FROM unnest(%(devices)s::uuid[], %(serials)s::bigint[]) AS one(device_id, serial)
WHERE NOT EXISTS (
    SELECT FROM messaging_envelope AS envelope
    WHERE envelope.device_id = one.device_id AND envelope.organisation_id = %(organisation)s
      AND coalesce(envelope.flight, 0) < one.serial
)
"""


def drained(serials: Mapping[UUID, int]) -> list[UUID]:
    """Those of the devices that have everything on its way to them on these connections."""
    if not serials:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            DRAINED,
            {
                "organisation": current_organisation_id(),
                "devices": list(serials.keys()),
                "serials": list(serials.values()),
            },
        )
        return [device_id for (device_id,) in cursor.fetchall()]
