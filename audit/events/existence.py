"""The event type of proofs that a message transited."""

from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event


@event(
    "audit.existence_proved",
    EventClass.ADMINISTRATION,
    sentence="{actor} had it proved that message {message_id} transited.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class ExistenceProved(What):
    """A proof was handed out; by it the console makes the proof again.

    `event_id` is the message's own event. `ciphertext_sha256` (32 bytes) is what was asked by.
    """

    event_id: UUID
    message_id: UUID
    ciphertext_sha256: bytes | None
    reason: str
    case_reference: str
