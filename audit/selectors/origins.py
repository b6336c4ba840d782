"""Which origins a log had before, and what was lost between them (ADR 0013)."""

import base64
import json
from dataclasses import dataclass
from uuid import UUID

from audit.events.log import OriginStarted
from semafore.kernel.database import prepared_cursor

STARTED = """
SELECT event.what FROM audit_event_index AS indexed
JOIN audit_event AS event
  ON event.organisation_id = indexed.organisation_id AND event.id = indexed.event_id
WHERE indexed.organisation_id = %(organisation)s::uuid AND indexed.type = %(type)s::text
ORDER BY indexed.seq
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """What an origin's end took: its entries from `lost_from` on, which never come back."""

    origin: str
    size: int
    """Of its last checkpoint."""
    root: bytes
    lost_from: int


def losses(organisation_id: UUID) -> list[Loss]:
    """The ends of earlier origins as the log itself declares them, the oldest first."""
    with prepared_cursor() as cursor:
        cursor.execute(STARTED, {"organisation": organisation_id, "type": OriginStarted.type.name})
        found = [json.loads(bytes(what))["data"] for (what,) in cursor.fetchall()]
    return [
        Loss(
            origin=data["previous_origin"],
            size=data["previous_size"],
            root=base64.b64decode(data["previous_root"]),
            lost_from=data["lost_from"],
        )
        for data in found
    ]
