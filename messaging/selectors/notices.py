"""Frames of notices (docs/socket.md)."""

from typing import Any

from messaging.models import Notice, NoticeKind
from semafore.kernel.clock import rfc3339


def frame_of(notice: Notice) -> dict[str, Any]:
    """As the socket sends it."""
    frame: dict[str, Any] = {"type": notice.kind}
    match notice.kind:
        case NoticeKind.MISSED:
            frame |= {"room_id": _text(notice.room_id), "count": notice.count}
        case NoticeKind.EXPIRED:
            frame |= {"count": notice.count, "before": notice.moment and rfc3339(notice.moment)}
        case NoticeKind.REACHABLE:
            frame |= {"device_id": _text(notice.about_id)}
        case NoticeKind.ROOM_CLOSED:
            frame |= {"room_id": _text(notice.room_id)}
        case NoticeKind.MEMBERSHIP_ENDING:
            frame |= {
                "room_id": _text(notice.room_id),
                "ends_at": notice.moment and rfc3339(notice.moment),
            }
    return frame


def _text(value: object) -> str | None:
    return None if value is None else str(value)
