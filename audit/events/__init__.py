"""The audit app's own event types."""

from audit.events import denials, existence, exports, log, reading, retention, searches, siem

__all__ = ["denials", "existence", "exports", "log", "reading", "retention", "searches", "siem"]
