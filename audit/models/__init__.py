"""Tables of events, of the Merkle log, of what transited, and of retention."""

from audit.models.announced_keys import AnnouncedKey, PlatformAnnouncedKey
from audit.models.contents import Content
from audit.models.events import (
    Denial,
    Event,
    Pending,
    PlatformDenial,
    PlatformEvent,
    PlatformPending,
)
from audit.models.index import IndexedEvent
from audit.models.log import (
    Checkpoint,
    Entry,
    Head,
    PlatformCheckpoint,
    PlatformEntry,
    PlatformHead,
    PlatformTile,
    Tile,
)
from audit.models.retention import (
    Hold,
    RequestKind,
    RequestStatus,
    RetentionPeriods,
    RetentionRequest,
    Sweep,
)

__all__ = [
    "AnnouncedKey",
    "Checkpoint",
    "Content",
    "Denial",
    "Entry",
    "Event",
    "Head",
    "Hold",
    "IndexedEvent",
    "Pending",
    "PlatformAnnouncedKey",
    "PlatformCheckpoint",
    "PlatformDenial",
    "PlatformEntry",
    "PlatformEvent",
    "PlatformHead",
    "PlatformPending",
    "PlatformTile",
    "RequestKind",
    "RequestStatus",
    "RetentionPeriods",
    "RetentionRequest",
    "Sweep",
    "Tile",
]
