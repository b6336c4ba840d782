"""Event types of what devices report, and of how they are woken."""

from datetime import datetime
from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION
KEYS = EventClass.DEVICE_KEYS


@event(
    "screenshot.reported",
    ADMINISTRATION,
    sentence="{actor} reported a screenshot in {room}, taken at {taken_at}.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class ScreenshotReported(What):
    """A device says that a screenshot was taken in a room; the time is its own clock's."""

    report_id: UUID
    taken_at: datetime
    platform: str


@event(
    "push_token.registered",
    KEYS,
    sentence="{actor} registered a push token ({service}, {environment}).",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class PushTokenRegistered(What):
    """A device can be woken from now on, or by another token."""

    service: str
    environment: str


@event(
    "push_token.removed",
    KEYS,
    sentence="{actor} removed the push token of {target}: {reason}.",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class PushTokenRemoved(What):
    """A device can no longer be woken: it said so, or the push service did."""

    service: str
    reason: str


@event(
    "device.woken",
    ADMINISTRATION,
    sentence="{actor} had {target} of {subject} woken.",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class DeviceWoken(What):
    """Somebody asked for a push; what the server sends by itself is not an act of anybody."""
