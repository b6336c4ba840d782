"""What is held on a person about rooms: when they were in which, what they asked and decided."""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from messaging.models import (
    NamedGuest,
    NamedMember,
    RequestDecision,
    Room,
    RoomMembership,
    RoomRequest,
)
from semafore.kernel.hooks import HeldOnPerson, Holding

Row = tuple[object, ...]


def room_holdings(held: HeldOnPerson) -> list[Holding]:
    """Rooms, periods in them, requests about external rooms."""
    named = NamedGuest.objects.filter(membership_id__in=held.membership_ids)
    held.also.update(named.values_list("id", flat=True))
    return [
        Holding(
            title="Rooms that the person was in",
            name="room_periods",
            columns=(
                *("Room", "Name", "Kind", "Role", "Added", "Added by", "Ended", "Ended by"),
                "Reason",
            ),
            rows=_periods(held),
        ),
        Holding(
            title="Other people whom the person added to rooms or removed",
            name="room_periods_of_others",
            columns=("Room", "Name", "Whom", "Added", "Added by", "Ended", "Ended by"),
            rows=_periods_of_others(held),
        ),
        Holding(
            title="Rooms that the person made or closed, and rooms of the person and one other",
            name="rooms",
            columns=(
                *("Room", "Name", "Kind", "Status", "Purpose", "Made", "Made by", "Closes"),
                *("Closed", "Closed by", "Reason"),
            ),
            rows=_rooms(held),
        ),
        Holding(
            title="Requests about external rooms that the person made",
            name="room_requests",
            columns=("Room", "Name", "Kind", "Status", "Requested", "Reason", "Decided"),
            rows=_requests(held),
        ),
        Holding(
            title="Decisions about external rooms",
            name="room_decisions",
            columns=("Room", "Name", "Kind", "Requested by", "Decided", "Approved"),
            rows=_decisions(held),
        ),
        Holding(
            title="Requests that name the person for a room",
            name="room_requests_naming",
            columns=("Room", "Room's name", "As", "Requested", "Requested by", "Status"),
            rows=_naming(held),
        ),
    ]


def room_name(room: Room) -> str:
    """A direct room has none: the console calls it by the other person."""
    return room.name or "A room of two"


def _periods(held: HeldOnPerson) -> Iterator[Row]:
    own = RoomMembership.objects.filter(membership_id__in=held.membership_ids)
    for one in own.select_related("room").order_by("added_at", "id").iterator():
        yield (
            *(one.room_id, room_name(one.room), one.room.kind, one.role, one.added_at),
            *(held.masked(one.added_by_id), one.ended_at, held.masked(one.ended_by_id)),
            one.end_reason,
        )


def _periods_of_others(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = RoomMembership.objects.filter(Q(added_by_id__in=ids) | Q(ended_by_id__in=ids))
    others = found.exclude(membership_id__in=ids).select_related("room")
    for one in others.order_by("added_at", "id").iterator():
        yield (
            *(one.room_id, room_name(one.room), held.masked(one.membership_id), one.added_at),
            *(held.masked(one.added_by_id), one.ended_at, held.masked(one.ended_by_id)),
        )


def _rooms(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    of_two = [Q(pair__contains=str(one)) for one in sorted(ids)]
    found = Room.objects.filter(
        reduce(or_, of_two, Q(created_by_id__in=ids) | Q(closed_by_id__in=ids))
    )
    for one in found.order_by("created_at", "id").iterator():
        yield (
            *(one.id, room_name(one), one.kind, one.status, one.purpose, one.created_at),
            *(held.masked(one.created_by_id), one.closes_at, one.closed_at),
            *(held.masked(one.closed_by_id), one.close_reason),
        )


def _requests(held: HeldOnPerson) -> Iterator[Row]:
    found = RoomRequest.objects.filter(requested_by_id__in=held.membership_ids)
    for one in found.select_related("room").order_by("requested_at", "id").iterator():
        yield (
            *(one.room_id, room_name(one.room), one.kind, one.status, one.requested_at),
            *(one.reason, one.decided_at),
        )


def _decisions(held: HeldOnPerson) -> Iterator[Row]:
    found = RequestDecision.objects.filter(by_id__in=held.membership_ids)
    for one in found.select_related("request__room").order_by("at", "id").iterator():
        request = one.request
        yield (
            *(request.room_id, room_name(request.room), request.kind),
            *(held.masked(request.requested_by_id), one.at, one.approved),
        )


def _naming(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    named: dict[str, QuerySet[NamedMember] | QuerySet[NamedGuest]] = {
        "member": NamedMember.objects.filter(membership_id__in=ids),
        "guest": NamedGuest.objects.filter(membership_id__in=ids),
    }
    for kind, found in named.items():
        for one in found.select_related("request__room").order_by("id").iterator():
            request = one.request
            yield (
                *(request.room_id, room_name(request.room), kind, request.requested_at),
                *(held.masked(request.requested_by_id), request.status),
            )
