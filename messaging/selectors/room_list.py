"""Rooms for the console: which there are, and what a row of the list says of each.

When somebody last wrote in a room is class 2 (audit-log.md): by the minute it is for who may read
traffic. Others see the day, which they need to find forgotten rooms; of two people not even that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from messaging.models import Message, Room, RoomKind, RoomMembership, RoomStatus
from orgs.models import Membership, MembershipKind
from semafore.kernel import clock
from semafore.kernel.names import called
from semafore.kernel.problems import NotFound

INTERNAL = "internal"
"""Direct and group rooms together, as a filter."""
ID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room, and how many are in it."""

    room: Room
    title: str
    people: int
    guests: int
    last_message: datetime | None

    @property
    def standing(self) -> str:
        """Its status in a word."""
        return standing_of(self.room)


def standing_of(room: Room) -> str:
    """The status; `ended` from the end itself until the sweep has closed the room."""
    if room.status == RoomStatus.ACTIVE and not room.open:
        return "ended"
    return room.status


def rooms(
    *,
    text: str = "",
    kind: str = "",
    status: str = "",
    party: str = "",
    sponsor: str = "",
    ends_within: int | None = None,
    silent_for: int | None = None,
    traffic: bool,
) -> QuerySet[Room]:
    """The rooms that fit; days count from now. `traffic`: whether the reader may see class 2."""
    found = Room.objects.select_related("party", "parent")
    now = clock.now()
    if text:
        found = found.filter(name__istartswith=text)
    if kind:
        internal = kind == INTERNAL
        found = found.exclude(kind=RoomKind.EXTERNAL) if internal else found.filter(kind=kind)
    if status:
        found = found.filter(status=status)
    if party:
        found = found.filter(party__name__istartswith=party)
    if sponsor:
        guests = RoomMembership.objects.filter(
            room=OuterRef("id"),
            ended_at=None,
            membership__sponsor__name__istartswith=sponsor,
        )
        found = found.filter(Exists(guests))
    if ends_within is not None:
        found = found.filter(
            status=RoomStatus.ACTIVE, closes_at__lte=now + timedelta(days=ends_within)
        )
    if silent_for is not None:
        since = now - timedelta(days=silent_for)
        lately = Message.objects.filter(room=OuterRef("id"), accepted_at__gt=since)
        found = found.filter(~Exists(lately), status=RoomStatus.ACTIVE, created_at__lte=since)
        if not traffic:
            found = found.exclude(kind=RoomKind.DIRECT)
    return found


def room(room_id: UUID) -> Room:
    """One room, with everything that a page of it names. Raises NotFound."""
    related = ("party", "parent", "created_by", "closed_by")
    found = Room.objects.select_related(*related).filter(id=room_id).first()
    if found is None:
        raise NotFound
    return found


def room_rows(of: Sequence[Room]) -> list[RoomRow]:
    """The rooms in the same order with their numbers, in three statements however many."""
    ids = [one.id for one in of]
    inside = RoomMembership.objects.filter(room_id__in=ids, ended_at=None)
    guest = Q(membership__kind=MembershipKind.GUEST)
    numbers = {
        room_id: (people, guests)
        for room_id, people, guests in inside.values_list("room_id").annotate(
            people=Count("id", filter=~guest), guests=Count("id", filter=guest)
        )
    }
    latest = last_messages(ids)
    titles = titles_of(of)
    return [
        RoomRow(one, titles[one.id], *numbers.get(one.id, (0, 0)), latest.get(one.id)) for one in of
    ]


def last_messages(room_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When somebody last wrote in each of the rooms; a silent room is missing."""
    newest = Message.objects.filter(room=OuterRef("id")).order_by("-accepted_at", "-id")
    found = Room.objects.filter(id__in=room_ids).annotate(
        last=Subquery(newest.values("accepted_at")[:1])
    )
    return dict(found.filter(last__isnull=False).values_list("id", "last"))


def titles_of(of: Sequence[Room]) -> dict[UUID, str]:
    """What the console calls the rooms: a direct one by its two people."""
    pairs = {
        one.id: (UUID(one.pair[:ID_LENGTH]), UUID(one.pair[-ID_LENGTH:])) for one in of if one.pair
    }
    names: dict[UUID, str] = {}
    if pairs:
        people = {person_id for pair in pairs.values() for person_id in pair}
        names = dict(Membership.objects.filter(id__in=people).values_list("id", "name"))

    def title(one: Room) -> str:
        if one.id in pairs:
            return " and ".join(
                sorted(called(names.get(person_id, "?")) for person_id in pairs[one.id])
            )
        return one.name or "Room without a name"

    return {one.id: title(one) for one in of}
