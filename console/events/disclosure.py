"""Event types of disclosure, in the platform's own log alone."""

from uuid import UUID

from audit.registry import EventClass, Severity, What, event


@event(
    "disclosure.reported",
    EventClass.ADMINISTRATION,
    sentence="{actor} made a disclosure report (reference: {reference}).",
    severity=Severity.HIGH,
)
class DisclosureReported(What):
    """Somebody listed what is held on a person: whose accounts, none where nothing is held.

    The number itself stands in the report, and the report's digest here: who has the one can show
    that it is the other's.
    """

    account_ids: list[UUID]
    organisations: int
    reference: str
    content_sha256: bytes
