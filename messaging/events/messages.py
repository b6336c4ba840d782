"""Event types of messages: that one transited, where and how much of it, never what."""

from uuid import UUID

from audit.registry import EventClass, OcsfClass, What, event

TRANSIT = EventClass.TRANSIT


@event(
    "message.accepted",
    TRANSIT,
    sentence="{actor} sent a message in {room} to {envelopes} devices.",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class MessageAccepted(What):
    """A message transited. The root commits to its ciphertexts, so that each can be proved."""

    message_id: UUID
    content_root: bytes
    envelopes: int
    skipped: int
    total_bytes: int
    commitment: bytes | None


@event(
    "message.delivered",
    TRANSIT,
    sentence="{actor} acknowledged a message in {room}.",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class MessageDelivered(What):
    """A device of an external room acknowledged an envelope."""

    message_id: UUID
