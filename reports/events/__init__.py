"""Event types of reports."""

from reports.events import reports

__all__ = ["reports"]
