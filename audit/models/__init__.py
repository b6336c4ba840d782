"""Tables of events, of the Merkle log, of what transited, of retention and of what goes out."""

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
from audit.models.exports import (
    Export,
    ExportDownload,
    ExportFormat,
    ExportPart,
    ExportStatus,
)
from audit.models.incarnations import Incarnation
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
from audit.models.looks import QuietLook
from audit.models.retention import (
    Hold,
    RequestKind,
    RequestStatus,
    RetentionPeriods,
    RetentionRequest,
    Sweep,
)
from audit.models.searches import SavedSearch
from audit.models.siem import DestinationState, SiemDestination
from audit.models.spans import Span

__all__ = [
    "AnnouncedKey",
    "Checkpoint",
    "Content",
    "Denial",
    "DestinationState",
    "Entry",
    "Event",
    "Export",
    "ExportDownload",
    "ExportFormat",
    "ExportPart",
    "ExportStatus",
    "Head",
    "Hold",
    "Incarnation",
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
    "QuietLook",
    "RequestKind",
    "RequestStatus",
    "RetentionPeriods",
    "RetentionRequest",
    "SavedSearch",
    "SiemDestination",
    "Span",
    "Sweep",
    "Tile",
]
