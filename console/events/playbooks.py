"""Event types of playbooks: the last event of the one act, with what was recorded in it."""

from uuid import UUID

from audit.registry import EventClass, Severity, What, event


@event(
    "playbook.run",
    EventClass.ADMINISTRATION,
    sentence="{actor} carried out the playbook {playbook} for {target} ({reason}).",
    severity=Severity.MEDIUM,
)
class PlaybookRun(What):
    """One act by a playbook, and the events that it left, in their order."""

    playbook: str
    reason: str
    events: list[UUID]


@event(
    "investigation.opened",
    EventClass.ADMINISTRATION,
    sentence="{actor} opened an investigation and placed a legal hold ({reason}).",
    severity=Severity.HIGH,
)
class InvestigationOpened(What):
    """The same for an investigation. Confidential: the person stands in `who` as its subject."""

    hold_id: UUID
    reason: str
    case_reference: str
    events: list[UUID]
