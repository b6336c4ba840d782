"""Event types of maintenance: the same in the platform's log and in each organisation's.

In an organisation's log they stand at the time at which it was told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit.registry import EventClass, Severity, What, event
from orgs.models import MaintenanceOccasion

ADMINISTRATION = EventClass.ADMINISTRATION


@dataclass(frozen=True, kw_only=True)
class WindowAsItWas:
    """What each event says; `reason` is why, where somebody had to say so."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    reason: str


@event(
    "maintenance.announced",
    ADMINISTRATION,
    sentence="{actor} announced maintenance ({summary}) from {starts_at} to {ends_at}.",
    severity=Severity.LOW,
)
class MaintenanceAnnounced(WindowAsItWas, What):
    """A window was announced."""


@event(
    "maintenance.changed",
    ADMINISTRATION,
    sentence="{actor} changed maintenance: it is from {starts_at} to {ends_at}.",
    severity=Severity.LOW,
)
class MaintenanceChanged(WindowAsItWas, What):
    """A window that was announced is another now, or takes longer."""


@event(
    "maintenance.held",
    ADMINISTRATION,
    sentence="{actor} held maintenance back that was to begin at {starts_at}.",
    severity=Severity.LOW,
)
class MaintenanceHeld(WindowAsItWas, What):
    """A window begins later than at its time, or not at all."""


@event(
    "maintenance.began",
    ADMINISTRATION,
    sentence="Maintenance began at {starts_at}, to end at {ends_at}.",
    severity=Severity.LOW,
)
class MaintenanceBegan(WindowAsItWas, What):
    """A window began: by the clock, or by the operator."""


@event(
    "maintenance.ended",
    ADMINISTRATION,
    sentence="Maintenance ended at {ends_at}.",
    severity=Severity.LOW,
)
class MaintenanceEnded(WindowAsItWas, What):
    """A window ended: by the clock, or by the operator."""


@event(
    "maintenance.cancelled",
    ADMINISTRATION,
    sentence="{actor} cancelled maintenance that was to begin at {starts_at}.",
    severity=Severity.LOW,
)
class MaintenanceCancelled(WindowAsItWas, What):
    """A window does not take place."""


OF_OCCASION: Final[Mapping[MaintenanceOccasion, Callable[..., What]]] = {
    MaintenanceOccasion.ANNOUNCED: MaintenanceAnnounced,
    MaintenanceOccasion.CHANGED: MaintenanceChanged,
    MaintenanceOccasion.HELD: MaintenanceHeld,
    MaintenanceOccasion.BEGAN: MaintenanceBegan,
    MaintenanceOccasion.ENDED: MaintenanceEnded,
    MaintenanceOccasion.CANCELLED: MaintenanceCancelled,
}
"""A reminder is no event: nothing changed."""
