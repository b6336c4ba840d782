"""Periods in rooms: the one place where somebody comes into a room or goes out of it.

The callers hold the organisation's lock exclusively, and have checked who may.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import connection

from audit.services.recording import Fact, Ref, record, record_many
from keys.models import Device, DeviceStatus
from messaging.errors import RoomFull
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
    """Put people into a room; those who are in it already stay as they are. Raises RoomFull."""
    present = set(
        RoomMembership.objects.filter(room=room, ended_at=None).values_list(
            "membership_id", flat=True
        )
    )
    coming = [person for person in people if person.id not in present]
    if not coming:
        return []
    _check_size(present | {person.id for person in coming})
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
    added = RoomMemberAdded(role=role)
    record_many(
        [Fact(added, target=membership_ref(person), room=room_ref(room)) for person in coming]
    )
    tell_rooms([room.id])
    return periods


# A person without a device counts as one: else a room could have any number of them.
SIZE = """
SELECT sum(greatest(devices, 1)) FROM (
    SELECT count(device.id) AS devices
    FROM unnest(%s::uuid[]) AS person_id
    LEFT JOIN keys_device AS device
        ON device.membership_id = person_id AND device.status = 'approved'
    GROUP BY person_id
) AS people
"""


def _check_size(people: set[UUID]) -> None:
    """Raises RoomFull where a message to these people would need too many envelopes."""
    with connection.cursor() as cursor:
        cursor.execute(SIZE, [list(people)])
        (devices,) = cursor.fetchone()
    if devices > settings.ROOM_MAX_DEVICES:
        raise RoomFull(detail=f"A room has at most {settings.ROOM_MAX_DEVICES} devices.")


def end_period(period: RoomMembership, *, reason: str) -> None:
    """Take somebody out of a room; `room` and `membership` of the period are loaded."""
    end_periods([period], reason=reason)


def end_periods(periods: Sequence[RoomMembership], *, reason: str) -> None:
    """The same for several: of a person in all rooms, or of everybody in one."""
    if not periods:
        return
    # While they are still in: who goes is told too.
    tell_rooms(period.room_id for period in periods)
    for period in periods:
        period.ended_at = clock.now()
        period.ended_by_id = current_actor().membership_id
        period.end_reason = reason
    RoomMembership.objects.bulk_update(periods, ["ended_at", "ended_by", "end_reason"])
    removed = RoomMemberRemoved(reason=reason)
    record_many(
        [
            Fact(removed, target=membership_ref(period.membership), room=room_ref(period.room))
            for period in periods
        ]
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
    open_periods = RoomMembership.objects.filter(room=room, ended_at=None)
    end_periods(list(open_periods.select_related("room", "membership")), reason=reason)
    room.status = RoomStatus.CLOSED
    room.closed_at = clock.now()
    room.closed_by_id = current_actor().membership_id
    room.close_reason = reason
    room.save(update_fields=["status", "closed_at", "closed_by", "close_reason"])
    record(RoomClosed(reason=reason), room=room_ref(room))


def tell_room(room: Room) -> None:
    """Have the devices of everybody in the room look, once the change has committed."""
    tell_rooms([room.id])


def tell_rooms(room_ids: Iterable[UUID]) -> None:
    """The same for several rooms, each device once."""
    devices = Device.objects.filter(
        membership__room_memberships__room__in=set(room_ids),
        membership__room_memberships__ended_at=None,
        status=DeviceStatus.APPROVED,
    )
    notify(list(devices.values_list("id", flat=True).distinct()), Hint.MAILBOX)


def devices_in(room: Room) -> list[Device]:
    """The approved devices of everybody who is in the room."""
    return list(
        Device.objects.filter(
            membership__room_memberships__room=room,
            membership__room_memberships__ended_at=None,
            status=DeviceStatus.APPROVED,
        )
    )
