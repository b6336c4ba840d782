"""Event types of rooms: who was in which, since when, by whom, until when."""

from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION


@event("room.created", ADMINISTRATION, sentence="{actor} created {room} ({kind}).")
class RoomCreated(What):
    """A direct or a group room, or a thread of one, with its first members."""

    kind: str
    parent_id: UUID | None


@event(
    "room.member_added",
    ADMINISTRATION,
    sentence="{actor} added {target} to {room}.",
    ocsf_class=OcsfClass.GROUP_MANAGEMENT,
)
class RoomMemberAdded(What):
    """A period in a room begins."""

    role: str


@event(
    "room.member_removed",
    ADMINISTRATION,
    sentence="{actor} ended the time of {target} in {room}: {reason}.",
    ocsf_class=OcsfClass.GROUP_MANAGEMENT,
)
class RoomMemberRemoved(What):
    """A period in a room ends: removed, left, or gone with the membership or the room."""

    reason: str


@event("room.renamed", ADMINISTRATION, sentence="{actor} renamed {before} to {after}.")
class RoomRenamed(What):
    """A room's name, before and after."""

    before: str
    after: str


@event(
    "room.role_changed",
    ADMINISTRATION,
    sentence="{actor} made {target} {after} of {room}.",
    ocsf_class=OcsfClass.USER_ACCESS,
)
class RoomRoleChanged(What):
    """Somebody administers a room from now on, or no longer."""

    before: str
    after: str


@event(
    "room.closed",
    ADMINISTRATION,
    sentence="{actor} closed {room}: {reason}.",
    severity=Severity.MEDIUM,
)
class RoomClosed(What):
    """No message passes any more; everybody's period in it ended."""

    reason: str
