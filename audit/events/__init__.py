"""The audit app's own event types."""

from audit.events import denials, log, reading

__all__ = ["denials", "log", "reading"]
