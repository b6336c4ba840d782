"""Who and what an id or a name means: for the audit log, which imports neither people nor rooms."""

from console.selectors.search import find
from keys.models import Device
from messaging.models import Room
from messaging.selectors.room_list import titles_of
from orgs.models import Membership
from semafore.kernel.hooks import Known, KnownBy
from semafore.kernel.names import called


def on_known_by(asked: KnownBy) -> None:
    """Handler of the hook: by ids in one statement a kind, or by what was typed."""
    if asked.ids:
        rooms = list(Room.objects.filter(id__in=asked.ids))
        titles = titles_of(rooms)
        asked.found.extend(map(_person, Membership.objects.filter(id__in=asked.ids)))
        devices = Device.objects.filter(id__in=asked.ids).select_related("membership")
        asked.found.extend(map(_device, devices))
        asked.found.extend(_room(room, titles[room.id]) for room in rooms)
    if asked.words:
        found = find(asked.words, traffic=False)
        asked.found.extend(map(_person, found.people))
        asked.found.extend(map(_device, found.devices))
        asked.found.extend(_room(room, title) for room, title in found.rooms)


def _person(person: Membership) -> Known:
    hint = ", ".join(word for word in (person.unit, person.phone, person.email) if word)
    return Known("member", person.id, called(person), hint, person.id, called(person))


def _device(device: Device) -> Known:
    owner = called(device.membership)
    return Known(
        "device", device.id, device.name, f"a device of {owner}", device.membership_id, owner
    )


def _room(room: Room, title: str) -> Known:
    return Known("room", room.id, title, f"a room since {room.created_at:%-d %B %Y}")
