"""Tables of events, of the Merkle log, and of what transited."""

from audit.models.contents import Content
from audit.models.events import (
    Denial,
    Event,
    Pending,
    PlatformDenial,
    PlatformEvent,
    PlatformPending,
)
from audit.models.log import (
    AnnouncedKey,
    Checkpoint,
    Entry,
    Head,
    IndexedEvent,
    PlatformAnnouncedKey,
    PlatformCheckpoint,
    PlatformEntry,
    PlatformHead,
    PlatformTile,
    Tile,
)

__all__ = [
    "AnnouncedKey",
    "Checkpoint",
    "Content",
    "Denial",
    "Entry",
    "Event",
    "Head",
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
    "Tile",
]
