"""Event types of broadcasts: who sent to everybody, when, how many were reached."""

from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event


@event(
    "broadcast.started",
    EventClass.ADMINISTRATION,
    sentence="{actor} began a broadcast.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class BroadcastStarted(What):
    """Parts of it may follow."""

    broadcast_id: UUID


@event(
    "broadcast.accepted",
    EventClass.TRANSIT,
    sentence="{actor} sent a part of a broadcast to {envelopes} devices.",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class BroadcastAccepted(What):
    """A part transited. The root commits to its ciphertexts, so that each can be proved."""

    broadcast_id: UUID
    message_id: UUID
    content_root: bytes
    envelopes: int
    total_bytes: int
    commitment: bytes | None


@event(
    "broadcast.finished",
    EventClass.ADMINISTRATION,
    sentence="{actor} finished a broadcast; {not_reached} devices were not reached.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class BroadcastFinished(What):
    """No part follows. Those not reached are approved devices of active members."""

    broadcast_id: UUID
    reached: int
    not_reached: int
