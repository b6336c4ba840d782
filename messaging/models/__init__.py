"""Tables of rooms, requests about them, messages, and what devices are told."""

from messaging.models.devices import (
    Environment,
    Notice,
    NoticeKind,
    PushService,
    PushToken,
    ScreenshotReport,
    Skip,
)
from messaging.models.messages import (
    Broadcast,
    Delivery,
    Envelope,
    EnvelopeType,
    Message,
    Outcome,
)
from messaging.models.requests import (
    NamedGuest,
    NamedMember,
    RequestDecision,
    RequestKind,
    RequestStatus,
    RoomRequest,
)
from messaging.models.rooms import Room, RoomKind, RoomMembership, RoomRole, RoomStatus

__all__ = [
    "Broadcast",
    "Delivery",
    "Envelope",
    "EnvelopeType",
    "Environment",
    "Message",
    "NamedGuest",
    "NamedMember",
    "Notice",
    "NoticeKind",
    "Outcome",
    "PushService",
    "PushToken",
    "RequestDecision",
    "RequestKind",
    "RequestStatus",
    "Room",
    "RoomKind",
    "RoomMembership",
    "RoomRequest",
    "RoomRole",
    "RoomStatus",
    "ScreenshotReport",
    "Skip",
]
