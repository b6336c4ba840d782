"""Periods in rooms: the one place where somebody comes into a room or goes out of it.

The callers hold the organisation's lock exclusively, and have checked who may.
"""

from collections.abc import Sequence

from audit.services.recording import Fact, Ref, record, record_many
from keys.models import Device, DeviceStatus
from messaging.events.rooms import RoomClosed, RoomMemberAdded, RoomMemberRemoved
from messaging.models import NoticeKind, Room, RoomMembership, RoomRole, RoomStatus
from messaging.services.notices import post_notices
from orgs.models import Membership
from orgs.services.memberships import membership_ref
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.realtime import Hint, notify


def room_ref(room: Room) -> Ref:
    """A room as events name it."""
    return Ref(kind="room", id=room.id, label=room.name)


def begin_periods(
    room: Room, people: Sequence[Membership], *, role: RoomRole = RoomRole.MEMBER
) -> list[RoomMembership]:
    """Put people into a room; those who are in it already stay as they are."""
    present = set(
        RoomMembership.objects.filter(room=room, ended_at=None).values_list(
            "membership_id", flat=True
        )
    )
    coming = [person for person in people if person.id not in present]
    periods = RoomMembership.objects.bulk_create(
        RoomMembership(
            organisation_id=room.organisation_id,
            room=room,
            membership=person,
            role=role,
            added_by_id=current_actor().membership_id,
        )
        for person in coming
    )
    if coming:
        added = RoomMemberAdded(role=role)
        record_many(
            [Fact(added, target=membership_ref(person), room=room_ref(room)) for person in coming]
        )
        tell_room(room)
    return periods


def end_period(period: RoomMembership, *, reason: str) -> None:
    """Take somebody out of a room; `room` and `membership` of the period are loaded."""
    tell_room(period.room)
    period.ended_at = clock.now()
    period.ended_by_id = current_actor().membership_id
    period.end_reason = reason
    period.save(update_fields=["ended_at", "ended_by", "end_reason"])
    record(
        RoomMemberRemoved(reason=reason),
        target=membership_ref(period.membership),
        room=room_ref(period.room),
    )


def close(room: Room, *, reason: str) -> None:
    """Close a room and its threads: everybody's period ends, and their devices are told."""
    for thread in room.threads.filter(status__in=(RoomStatus.ACTIVE, RoomStatus.REQUESTED)):
        close(thread, reason=reason)
    post_notices(
        device_ids=[device.id for device in devices_in(room)],
        kind=NoticeKind.ROOM_CLOSED,
        room_id=room.id,
    )
    for period in RoomMembership.objects.filter(room=room, ended_at=None).select_related(
        "room", "membership"
    ):
        end_period(period, reason=reason)
    room.status = RoomStatus.CLOSED
    room.closed_at = clock.now()
    room.closed_by_id = current_actor().membership_id
    room.close_reason = reason
    room.save(update_fields=["status", "closed_at", "closed_by", "close_reason"])
    record(RoomClosed(reason=reason), room=room_ref(room))


def tell_room(room: Room) -> None:
    """Have the devices of everybody in the room look, once the change has committed."""
    notify([device.id for device in devices_in(room)], Hint.MAILBOX)


def devices_in(room: Room) -> list[Device]:
    """The approved devices of everybody who is in the room."""
    return list(
        Device.objects.filter(
            membership__room_memberships__room=room,
            membership__room_memberships__ended_at=None,
            status=DeviceStatus.APPROVED,
        )
    )
