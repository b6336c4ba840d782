"""One box for everything that has a name, a number or an id."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from invitations.models import Invitation
from keys.models import Device
from messaging.models import Message, Room, RoomRequest
from messaging.selectors.room_list import titles_of
from orgs.models import Membership

LIMIT = 10
"""Of each kind: whoever sees more should say more."""
LEAST_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in the organisation in scope."""

    people: Sequence[Membership] = ()
    devices: Sequence[Device] = ()
    invitations: Sequence[Invitation] = ()
    rooms: Sequence[tuple[Room, str]] = ()
    """With what the console calls them."""
    requests: Sequence[RoomRequest] = ()
    messages: Sequence[Message] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return any(
            (
                self.people,
                self.devices,
                self.invitations,
                self.rooms,
                self.requests,
                self.messages,
            )
        )


def find(words: str, *, traffic: bool) -> Findings:
    """By id if it is one, else by the beginning of a word of a name, a number or an address.

    `traffic`: whether the reader may see that a message transited.
    """
    try:
        wanted = UUID(words)
    except ValueError:
        return _by_words(words) if len(words) >= LEAST_LETTERS else Findings()
    return Findings(
        people=list(Membership.objects.filter(id=wanted)),
        devices=list(Device.objects.filter(id=wanted).select_related("membership")),
        invitations=list(Invitation.objects.filter(id=wanted)),
        rooms=_titled(Room.objects.filter(id=wanted)),
        requests=list(RoomRequest.objects.filter(id=wanted).select_related("room")),
        messages=list(Message.objects.filter(message_id=wanted).select_related("room", "sender"))
        if traffic
        else (),
    )


def _titled(found: QuerySet[Room]) -> list[tuple[Room, str]]:
    rooms = list(found)
    titles = titles_of(rooms)
    return [(room, titles[room.id]) for room in rooms]


def people_called(words: str) -> list[Membership]:
    """People by id, name, number or address."""
    try:
        return list(Membership.objects.filter(id=UUID(words)))
    except ValueError:
        return list(Membership.objects.filter(_person(words)).order_by("name", "id")[:LIMIT])


def rooms_called(words: str) -> list[tuple[Room, str]]:
    """Rooms by id or name, with what the console calls them."""
    try:
        return _titled(Room.objects.filter(id=UUID(words)))
    except ValueError:
        return _titled(Room.objects.filter(_named(words)).order_by("-created_at", "-id")[:LIMIT])


def _named(words: str) -> Q:
    return Q(name__istartswith=words) | Q(name__icontains=f" {words}")


def _person(words: str) -> Q:
    number = words.replace(" ", "")
    person = _named(words) | Q(email__istartswith=words)
    if number.removeprefix("+").isdigit():
        person |= Q(phone__contains=number)
    return person


def _by_words(words: str) -> Findings:
    devices = Device.objects.filter(_named(words)).select_related("membership")
    invitations = Invitation.objects.filter(_person(words)).order_by("-issued_at", "id")
    return Findings(
        people=people_called(words),
        devices=list(devices.order_by("name", "id")[:LIMIT]),
        invitations=list(invitations[:LIMIT]),
        rooms=rooms_called(words),
    )
