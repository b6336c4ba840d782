"""The audit app's own event types."""

from audit.events import denials, log, reading, retention

__all__ = ["denials", "log", "reading", "retention"]
