"""The audit app's own event types."""

from audit.events import denials, log

__all__ = ["denials", "log"]
