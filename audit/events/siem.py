"""Event types of the systems that events are sent to. None is recorded for a batch: none loops."""

from typing import Any
from uuid import UUID

from audit.registry import EventClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION

CANARY = "siem.canary"


@event(
    "siem.created",
    ADMINISTRATION,
    sentence="{actor} has events sent to {target} ({host}) from place {cursor} on.",
    severity=Severity.HIGH,
)
class SiemCreated(What):
    """What is sent where, as of now; never a secret, nor the address's path."""

    host: str
    format: str
    classes: list[int]
    least_severity: int
    cursor: int


@event(
    "siem.changed",
    ADMINISTRATION,
    sentence="{actor} changed what is sent to {target}, or where it goes.",
    severity=Severity.HIGH,
)
class SiemChanged(What):
    """Before and after; of the secret and of the certificates only that they changed."""

    before: dict[str, Any]
    after: dict[str, Any]
    secret_changed: bool
    ca_changed: bool


@event(
    "siem.paused",
    ADMINISTRATION,
    sentence="{actor} paused what is sent to {target} ({reason}).",
    severity=Severity.HIGH,
)
class SiemPaused(What):
    """Nothing is sent until somebody resumes it; nothing is lost before retention."""

    reason: str


@event("siem.resumed", ADMINISTRATION, sentence="{actor} resumed what is sent to {target}.")
class SiemResumed(What):
    """From the place where it stood."""

    cursor: int


@event(
    "siem.replayed",
    ADMINISTRATION,
    sentence="{actor} has events sent to {target} again, from place {cursor} on ({reason}).",
    severity=Severity.MEDIUM,
)
class SiemReplayed(What):
    """The receiver gets again what lies between the two places."""

    cursor: int
    previous_cursor: int
    reason: str


@event(
    "siem.skipped",
    ADMINISTRATION,
    sentence="{actor} let {target} go without the event at place {seq} ({reason}).",
    severity=Severity.HIGH,
)
class SiemSkipped(What):
    """The one event that the receiver doesn't take."""

    seq: int
    event_id: UUID
    reason: str


@event("siem.tested", ADMINISTRATION, sentence="{actor} sent a test to {target}: {outcome}.")
class SiemTested(What):
    """How it ended, in our words."""

    event_id: UUID
    outcome: str


@event(
    "siem.deleted",
    ADMINISTRATION,
    sentence="{actor} has no events sent to {target} any more ({reason}).",
    severity=Severity.HIGH,
)
class SiemDeleted(What):
    """Where it stood."""

    host: str
    cursor: int
    reason: str


@event(
    "siem.failing",
    ADMINISTRATION,
    sentence="{target} can't be reached: {reason}. It is tried again until it can.",
    severity=Severity.HIGH,
)
class SiemFailing(What):
    """Nothing is lost before retention."""

    reason: str
    cursor: int


@event(
    "siem.misconfigured",
    ADMINISTRATION,
    sentence="{target} refuses what it is sent: {reason}. Somebody has to change its settings.",
    severity=Severity.HIGH,
)
class SiemMisconfigured(What):
    """Nothing is sent until then."""

    reason: str
    cursor: int


@event(
    "siem.parked",
    ADMINISTRATION,
    sentence="{target} refuses the event at place {seq}: {reason}. Nothing after it is sent.",
    severity=Severity.HIGH,
)
class SiemParked(What):
    """An owner decides about this one event."""

    seq: int
    event_id: UUID
    reason: str


@event("siem.recovered", ADMINISTRATION, sentence="{target} takes events again.")
class SiemRecovered(What):
    """Where it stood when it did."""

    cursor: int


@event(
    "siem.retention_near",
    ADMINISTRATION,
    sentence="Retention is about to delete events that {target} hasn't got, from place {cursor}.",
    severity=Severity.HIGH,
)
class SiemRetentionNear(What):
    """What is deleted can't be sent."""

    cursor: int


@event(
    "siem.overtaken",
    ADMINISTRATION,
    sentence="Retention deleted {count} events before they were sent to {target}.",
    severity=Severity.HIGH,
)
class SiemOvertaken(What):
    """Between these two places; what was left of others was sent."""

    first: int
    last: int
    count: int


@event(
    CANARY, ADMINISTRATION, sentence="The log stands at {size} entries, under a signed checkpoint."
)
class SiemCanary(What):
    """Goes the way of all events, each hour: who keeps it has the log's checkpoint as an anchor."""

    size: int
    root: bytes
    note: str
    """The signed note whole (C2SP)."""
