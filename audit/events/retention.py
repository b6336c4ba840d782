"""Event types of retention and holds (class 4: what was decided and deleted stays known)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from audit.registry import EventClass, Severity, What, event

RETENTION = EventClass.RETENTION


@event(
    "retention.changed",
    RETENTION,
    sentence="{actor} set the retention periods, version {version}.",
    severity=Severity.HIGH,
)
class RetentionChanged(What):
    """Periods in days, before and after; `request_id` where a second person had to approve."""

    before: dict[str, int]
    after: dict[str, int]
    version: int
    reason: str
    request_id: UUID | None


@event(
    "retention.change_requested",
    RETENTION,
    sentence="{actor} asked for shorter retention periods ({reason}).",
    severity=Severity.HIGH,
)
class RetentionChangeRequested(What):
    """Nothing changes until somebody else approves."""

    before: dict[str, int]
    after: dict[str, int]
    reason: str
    request_id: UUID


@event(
    "retention.change_denied",
    RETENTION,
    sentence="{actor} denied shorter retention periods ({reason}).",
    severity=Severity.MEDIUM,
)
class RetentionChangeDenied(What):
    """The periods stay."""

    reason: str
    request_id: UUID


@event(
    "retention.change_withdrawn",
    RETENTION,
    sentence="{actor} took back the request for shorter retention periods.",
)
class RetentionChangeWithdrawn(What):
    """The periods stay."""

    request_id: UUID


@event(
    "retention.swept",
    RETENTION,
    sentence="What had lived its time was deleted, by version {version} of the periods.",
)
class RetentionSwept(What):
    """What one sweep deleted: a gap that no such event names is misbehaviour (audit-log.md).

    `swept` has, for each class and part, first and last seq, count, and the digest of the event
    ids (32 bytes): SHA-256(digest ‖ id's 16 bytes) from 32 zero bytes on, by the events' time and
    seq. `rows` counts what else went.
    """

    version: int
    metadata_before: datetime
    audit_before: datetime
    existence_before: datetime
    swept: list[dict[str, Any]]
    rows: dict[str, int]


@event(
    "hold.placed",
    RETENTION,
    sentence="{actor} placed a legal hold ({reason}).",
    severity=Severity.HIGH,
)
class HoldPlaced(What):
    """From then on nothing that it covers is deleted. Person and room stand in `who`."""

    hold_id: UUID
    from_at: datetime | None
    until_at: datetime | None
    reason: str
    case_reference: str


@event(
    "hold.lift_requested",
    RETENTION,
    sentence="{actor} asked to lift a legal hold ({reason}).",
    severity=Severity.HIGH,
)
class HoldLiftRequested(What):
    """The hold stays until somebody else approves."""

    hold_id: UUID
    reason: str
    request_id: UUID


@event(
    "hold.lift_denied",
    RETENTION,
    sentence="{actor} kept a legal hold ({reason}).",
    severity=Severity.MEDIUM,
)
class HoldLiftDenied(What):
    """The hold stays."""

    hold_id: UUID
    reason: str
    request_id: UUID


@event(
    "hold.lift_withdrawn",
    RETENTION,
    sentence="{actor} took back the request to lift a legal hold.",
)
class HoldLiftWithdrawn(What):
    """The hold stays."""

    hold_id: UUID
    request_id: UUID


@event(
    "hold.lifted",
    RETENTION,
    sentence="{actor} lifted a legal hold ({reason}).",
    severity=Severity.HIGH,
)
class HoldLifted(What):
    """Two people wanted it; what it covered is deleted when its time has come."""

    hold_id: UUID
    reason: str
    request_id: UUID
