"""Event types of exports: asked for, written, fetched, gone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event

EXPORTS = EventClass.ADMINISTRATION


@event(
    "export.requested",
    EXPORTS,
    sentence="{actor} asked for an export of audit data as {format} ({reason}).",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ExportRequested(What):
    """Of the first `size` entries of the log, `events` of them; None is not known before."""

    export_id: UUID
    format: str
    filters: dict[str, Any]
    reason: str
    case_reference: str
    size: int
    events: int | None


@event(
    "export.finished",
    EXPORTS,
    sentence="The export is written: {events} events.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ExportFinished(What):
    """`lost` were counted and then taken by retention before they were written; length in bytes."""

    export_id: UUID
    events: int
    lost: int
    length: int
    sha256: bytes
    expires_at: datetime


@event(
    "export.failed",
    EXPORTS,
    sentence="An export failed: {reason}.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ExportFailed(What):
    """What was written of it is deleted."""

    export_id: UUID
    reason: str


@event(
    "export.cancelled",
    EXPORTS,
    sentence="{actor} cancelled an export.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ExportCancelled(What):
    """What was written of it is deleted."""

    export_id: UUID


@event(
    "export.downloaded",
    EXPORTS,
    sentence="{actor} downloaded an export.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ExportDownloaded(What):
    """The file left the server, or began to: what follows by ranges is the same download."""

    export_id: UUID
    length: int
    sha256: bytes


@event(
    "export.expired",
    EXPORTS,
    sentence="The file of an export was deleted: its time was over, or nobody may have it now.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ExportExpired(What):
    """The server holds it no more."""

    export_id: UUID
