"""Event types of restores."""

from datetime import datetime

from audit.registry import EventClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION


@event(
    "database.restored",
    ADMINISTRATION,
    sentence="The database went back to a backup of {since} ({reason}). Keys and tokens are void.",
    severity=Severity.CRITICAL,
)
class DatabaseRestored(What):
    """Of an organisation: which entries its log lost, what can't be used any more, and how much.

    Equal places: its log lost nothing.
    """

    reason: str
    since: datetime | None
    until: datetime | None
    lost_from: int
    lost_to: int
    one_time_pre_keys: int
    device_tokens: int
    service_tokens: int
    link_tokens: int
    onboardings: int


@event(
    "database.sessions_voided",
    ADMINISTRATION,
    sentence="The database went back to a backup ({reason}): all sessions ended.",
    severity=Severity.CRITICAL,
)
class SessionsVoided(What):
    """In the platform's own log."""

    reason: str
    sessions: int
    mailed_links: int


@event(
    "database.reapplied",
    ADMINISTRATION,
    sentence="Of {lost} lost events in the files given, {reapplied} were carried out again.",
    severity=Severity.HIGH,
)
class LostEventsReapplied(What):
    """What is known of the lost interval from copies of its events, and what was done about it.

    `again` are those that a person has to see to.
    """

    files: list[bytes]
    """SHA-256 of each."""
    lost: int
    reapplied: int
    standing: int
    noted: int
    again: int


@event(
    "database.log_lost",
    ADMINISTRATION,
    sentence="The log {origin} was lost with its organisation, with {size} entries.",
    severity=Severity.CRITICAL,
)
class LogLost(What):
    """In the platform's own log: of an organisation that was founded after the backup."""

    origin: str
    size: int
    root: bytes
    signed_at: datetime
