"""Event types of reading audit data: every look leaves one (product.md, section 6)."""

from typing import Any
from uuid import UUID

from audit.registry import EventClass, OcsfClass, What, event


@event(
    "audit.searched",
    EventClass.ADMINISTRATION,
    sentence="{actor} looked through the audit log.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class AuditSearched(What):
    """A page of the list: by what it was filtered, and the places of its first and last event."""

    filters: dict[str, Any]
    newest: int | None
    oldest: int | None


@event(
    "audit.viewed",
    EventClass.ADMINISTRATION,
    sentence="{actor} looked at an event of the audit log.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class AuditViewed(What):
    """One event, on its page or as a proof."""

    event_id: UUID
