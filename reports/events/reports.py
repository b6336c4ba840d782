"""Event types of reports: who asked what about whom, why, and each look at the answer."""

from typing import Any
from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event


@event(
    "report.requested",
    EventClass.ADMINISTRATION,
    sentence="{actor} asked for a report: {kind}.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ReportRequested(What):
    """At the console. The person, the room or the party that it is about stands in `who`."""

    kind: str
    parameters: dict[str, Any]
    reason: str
    case_reference: str


@event(
    "report.opened",
    EventClass.ADMINISTRATION,
    sentence="{actor} opened a report: {kind}.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ReportOpened(What):
    """A look at the answer, as a page or a file or by the audit API."""

    event_id: UUID | None
    """Of the request; None for a program, which asks and looks at once."""
    kind: str
    parameters: dict[str, Any]
    reason: str
    case_reference: str
    form: str
    """`page`, `json`, `graphml` or `csv`."""
