"""What `bin/device` does with rooms: each of the public functions is one subcommand."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from semafore.local.client.api import ApiProblem, DeviceClient
from semafore.local.client.commands import say, watching
from semafore.local.client.content import Entry
from semafore.local.client.conversations import Messenger
from semafore.local.client.demo import Demo, DemoError
from semafore.local.client.device import Device
from semafore.local.client.wire import JsonObject
from semafore.local.client.words import devices, moment, table

_NOT_FOUND: Final = 404
UNREADABLE: Final = (
    "(this device can't decrypt it; the next message to its sender begins a new session)"
)


def list_rooms(device: Device) -> None:
    """Print the rooms that the device's person is in."""
    rooms = detailed_rooms(device.api)
    if not rooms:
        print("This device's person is in no room.")
        return
    own = own_id(device.api)
    rows = [("ROOM", "KIND", "STATUS", "PEOPLE", "DEVICES", "ROOM ID")]
    rows += [
        (
            name_of(room, own),
            room["kind"],
            room["status"],
            str(len(room["members"])),
            str(sum(len(member["devices"]) for member in room["members"])),
            room["id"],
        )
        for room in rooms
    ]
    print("\n".join(table(rows)))


def send(device: Device, wanted: str, text: str) -> None:
    """Encrypt a text for each device of a room, and hand the envelopes in."""
    own = own_id(device.api)
    room = find_room(device.api, wanted, own)
    sent = Messenger(device.api, device.file, log=device.log).send(UUID(room["id"]), text)
    print(f"Sent to {name_of(room, own)}, accepted {moment(sent.accepted_at)}.")
    if sent.skipped:
        print(
            f"Left out, with an expired signed pre-key: {devices(len(sent.skipped))}."
            " Who is left out is told on coming back."
        )
    print(f"The server's receipt for message {sent.message_id}:\n\n{sent.receipt}", end="")


def receive(demo: Demo, device: Device, *, once: bool) -> None:
    """Print what others say: what waits and then, unless told otherwise, what comes."""
    messenger = Messenger(device.api, device.file, log=device.log)
    directory = Directory(device.api)
    if once:
        for entry in messenger.collect():
            say(directory.line(entry))
        return

    def store(envelope: JsonObject) -> None:
        entry = messenger.receive(envelope)
        if entry is not None:
            say(directory.line(entry))

    # First, so that a server that isn't there is an error at once and not a long wait.
    device.api.token()
    say("Listening. Ctrl-C ends it.")
    asyncio.run(watching(demo.events_url, device, say, store))


class Directory:
    """Who said something where, in words; the server is asked only about what is new."""

    def __init__(self, api: DeviceClient) -> None:
        """Knows nobody yet."""
        self._api = api
        self._rooms: dict[str, JsonObject] = {}
        self._people: list[JsonObject] | None = None

    def line(self, entry: Entry) -> str:
        """A line about one text."""
        text = UNREADABLE if entry.text is None else entry.text
        return f"{moment(entry.accepted_at)}  {self._origin(entry)}: {text}"

    def _origin(self, entry: Entry) -> str:
        """The sender, and the room unless it is of two; ids where the server tells no names."""
        if entry.room_id is None:
            return f"{self._anybody(entry.sender_device_id)}, to everybody"
        room = self._rooms.get(entry.room_id)
        if room is None or sender_in(room["members"], entry.sender_device_id) is None:
            room = self._rooms[entry.room_id] = self._room(entry.room_id)
        sender = sender_in(room["members"], entry.sender_device_id)
        sender = sender or self._anybody(entry.sender_device_id)
        return f"{sender} in {room['name']}" if room["name"] else sender

    def _room(self, room_id: str) -> JsonObject:
        try:
            return self._api.room(UUID(room_id))
        except ApiProblem as problem:
            if problem.status != _NOT_FOUND:
                raise
            # The room is closed since, or somebody took this person out of it.
            return {"name": f"room {room_id}", "members": []}

    def _anybody(self, device_id: str) -> str:
        """Somebody who may be in no room with this device."""
        if self._people is None:
            self._people = self._api.members()
        return sender_in(self._people, device_id) or f"device {device_id}"


def sender_in(people: Sequence[JsonObject], device_id: str) -> str | None:
    """Whose device it is; None when it isn't among these people's (any longer)."""
    for member in people:
        if any(device["id"] == device_id for device in member["devices"]):
            return str(member["name"])
    return None


def find_room(api: DeviceClient, wanted: str, own: str) -> JsonObject:
    """The room of this name or id; a direct room goes by the other person's name.

    Raises DemoError naming those there are.
    """
    rooms = detailed_rooms(api)
    found = [
        room for room in rooms if wanted.casefold() in (name_of(room, own).casefold(), room["id"])
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise DemoError(f"Several rooms are called {wanted!r}: say the id, as `rooms` prints it.")
    names = ", ".join(name_of(room, own) for room in rooms) or "none"
    raise DemoError(f"This device's person is in no room called {wanted!r}. There are: {names}")


def detailed_rooms(api: DeviceClient) -> list[JsonObject]:
    """The rooms, each with its people and their devices."""
    return [api.room(UUID(room["id"])) for room in api.rooms()]


def own_id(api: DeviceClient) -> str:
    """The membership of the device's person."""
    return str(api.me()["membership"]["id"])


def name_of(room: JsonObject, own: str) -> str:
    """A room's name; of a direct room, the other person's."""
    if room["name"]:
        return str(room["name"])
    others = [str(member["name"]) for member in room["members"] if member["id"] != own]
    return ", ".join(others) or "nobody else"
