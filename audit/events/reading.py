"""Event types of reading the log: who looks is an event too (class 1)."""

from uuid import UUID

from audit.registry import EventClass, What, event


@event(
    "audit.viewed",
    EventClass.ADMINISTRATION,
    sentence="{actor} read the event {event_id}.",
)
class AuditViewed(What):
    """One event was read, or its proof with what it opens."""

    event_id: UUID
