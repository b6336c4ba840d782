"""Event types of external rooms: what was asked for, who decided, and what came of it."""

from datetime import datetime
from uuid import UUID

from audit.registry import EventClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION


@event(
    "room.requested",
    ADMINISTRATION,
    sentence="{actor} asked for the external room {room} with {target}: {purpose}.",
)
class RoomRequested(What):
    """An external room waits for its approval; the target is the party."""

    request_id: UUID
    purpose: str
    closes_at: datetime
    members: int
    guests: int
    parent_id: UUID | None


@event(
    "room.emergency_opened",
    ADMINISTRATION,
    sentence="{actor} opened the emergency room {room} with {target}: {purpose}.",
    severity=Severity.HIGH,
)
class EmergencyRoomOpened(What):
    """By the duty approver alone, until the end that stands here unless somebody confirms it."""

    request_id: UUID
    purpose: str
    closes_at: datetime
    wanted: datetime
    members: int
    guests: int


@event("room.guest_named", ADMINISTRATION, sentence="{actor} named {target} as a guest for {room}.")
class GuestNamed(What):
    """Somebody whom a request names."""

    request_id: UUID


@event(
    "room.guests_requested",
    ADMINISTRATION,
    sentence="{actor} asked for further guests in {room}: {reason}.",
)
class GuestsRequested(What):
    """Further guests wait for the approval."""

    request_id: UUID
    guests: int
    reason: str


@event(
    "room.extension_requested",
    ADMINISTRATION,
    sentence="{actor} asked for a later end of {room}: {reason}.",
)
class ExtensionRequested(What):
    """The end as it is, and the end that is asked for."""

    request_id: UUID
    before: datetime
    after: datetime
    reason: str


@event(
    "room.approved",
    ADMINISTRATION,
    sentence="{actor} approved a request about {room} ({kind}), {approvals} of {needed}.",
    severity=Severity.MEDIUM,
)
class RequestApproved(What):
    """One administrator's approval; the last that is needed carries the request out."""

    request_id: UUID
    kind: str
    approvals: int
    needed: int


@event(
    "room.denied",
    ADMINISTRATION,
    sentence="{actor} denied a request about {room} ({kind}): {reason}.",
    severity=Severity.LOW,
)
class RequestDenied(What):
    """One denial is enough."""

    request_id: UUID
    kind: str
    reason: str


@event(
    "room.withdrawn",
    ADMINISTRATION,
    sentence="{actor} withdrew a request about {room} ({kind}): {reason}.",
)
class RequestWithdrawn(What):
    """Nobody has to decide it any more."""

    request_id: UUID
    kind: str
    reason: str


@event(
    "room.request_lapsed",
    ADMINISTRATION,
    sentence="A request about {room} ({kind}) lapsed with the room.",
)
class RequestLapsed(What):
    """The room closed before anybody decided."""

    request_id: UUID
    kind: str


@event(
    "room.extended",
    ADMINISTRATION,
    sentence="{actor} moved the end of {room}.",
    severity=Severity.MEDIUM,
)
class RoomExtended(What):
    """The end before and after; `confirmed`: the room was an emergency room until now."""

    before: datetime
    after: datetime
    confirmed: bool


@event(
    "room.end_announced",
    ADMINISTRATION,
    sentence="Sponsors and guests of {room} were told of its end.",
)
class EndAnnounced(What):
    """A day ahead, once."""

    closes_at: datetime
    guests: int
    sponsors: int


@event(
    "party.cut_off",
    ADMINISTRATION,
    sentence="{actor} cut off {target}: {reason}.",
    severity=Severity.HIGH,
)
class PartyCutOff(What):
    """All of its rooms, guests and open invitations ended at once."""

    reason: str
    rooms: int
    guests: int
    invitations: int
