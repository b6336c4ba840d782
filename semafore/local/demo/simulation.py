"""The demo's devices, alive: connected, talking, claiming, rotating, running low, refilling."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from uuid import UUID

import httpx

from semafore.local.client.agreement import AgreementError
from semafore.local.client.api import ApiProblem
from semafore.local.client.conversations import Messenger
from semafore.local.client.demo import Demo, DemoDevice
from semafore.local.client.device import Device
from semafore.local.client.keyfile import KeyFileError
from semafore.local.client.log import LogError
from semafore.local.client.receipts import ReceiptError
from semafore.local.client.socket import stay_connected
from semafore.local.client.wire import JsonObject
from semafore.local.client.words import devices, frame_in_words
from semafore.local.demo.phrases import PHRASES

TALK_SECONDS = (15.0, 90.0)
CLAIM_SECONDS = (20.0, 120.0)
FIRST_ROTATION_SECONDS = 25.0
ROTATION_SECONDS = (3600.0, 7200.0)
"""Two hours at most and one at least: well under the limit of 24 rotations a day."""

UNREMARKABLE = ("hello", "envelope", "mailbox.drained", "changes", "log.checkpoint")

chance = random.SystemRandom()

Act = Callable[[], str | None]
Failure = (
    ApiProblem,
    AgreementError,
    KeyFileError,
    LogError,
    ReceiptError,
    httpx.TransportError,
)


@dataclass(frozen=True, slots=True)
class Resident:
    """One simulated device, and those of its organisation that it talks to."""

    entry: DemoDevice
    device: Device
    messenger: Messenger
    peers: Sequence["Resident"]
    talking: Lock = field(default_factory=Lock)
    """Held by whoever uses the device's API client, which is not for several threads."""

    def say(self, words: str) -> None:
        """One line for the person who watches the terminal."""
        # The line end is in the text: print writes it by itself, and threads come between.
        print(f"{self.entry.organisation}/{self.entry.name}: {words}\n", end="", flush=True)


async def simulate(demo: Demo, names: Sequence[str]) -> None:
    """Run the named devices until cancelled."""
    residents = settle(demo, names)
    async with asyncio.TaskGroup() as group:
        for number, resident in enumerate(residents):
            group.create_task(stay(resident, demo.events_url))
            group.create_task(talk_now_and_then(resident))
            if not resident.entry.guest:
                group.create_task(claim_now_and_then(resident))
            first = FIRST_ROTATION_SECONDS * (1 + 8 * number)
            group.create_task(rotate_now_and_then(resident, first))


def settle(demo: Demo, names: Sequence[str]) -> list[Resident]:
    """Open each device and introduce it to the others of its organisation."""
    towns: dict[str, list[Resident]] = {}
    for entry in demo.devices:
        if entry.name in names:
            town = towns.setdefault(entry.organisation, [])
            device = demo.open(entry)
            town.append(
                Resident(entry, device, Messenger(device.api, device.file, log=device.log), town)
            )
    return [resident for town in towns.values() for resident in town]


async def stay(resident: Resident, events_url: str) -> None:
    """Hold the socket and look after the keys; ends when somebody else takes the device over."""

    def token(renew: bool) -> str:  # noqa: FBT001 - the shape that stay_connected asks for
        with resident.talking:
            return resident.device.api.token(renew=renew)

    def store(envelope: JsonObject) -> None:
        with resident.talking:
            entry = resident.messenger.receive(envelope)
        if entry is not None:
            resident.say("heard something" if entry.text else "COULD NOT READ SOMETHING")

    def closed(reason: str, seconds: float | None) -> None:
        later = "somebody else is this device now" if seconds is None else "trying again"
        resident.say(f"socket {reason}; {later}")

    try:
        connection = stay_connected(events_url, token, store=store, closed=closed)
        async with aclosing(connection) as frames:
            async for frame in frames:
                if frame["type"] not in UNREMARKABLE:
                    resident.say(frame_in_words(frame))
                await attempt(resident, partial(resident.device.maintain, frame))
    except ApiProblem as problem:
        resident.say(f"is out: {problem}")


async def talk_now_and_then(resident: Resident) -> None:
    """Say something in one of the rooms."""
    while True:
        await asyncio.sleep(chance.uniform(*TALK_SECONDS))
        await attempt(resident, partial(talk, resident))


def talk(resident: Resident) -> str | None:
    """One message, in words that don't tell what it says."""
    rooms = [room for room in resident.device.api.rooms() if room["status"] == "active"]
    if not rooms:
        return None
    room = chance.choice(rooms)
    sent = resident.messenger.send(UUID(room["id"]), chance.choice(PHRASES))
    left_out = f", {devices(len(sent.skipped))} left out" if sent.skipped else ""
    return f"said something in {room['name'] or 'a room of two'}{left_out}"


async def claim_now_and_then(resident: Resident) -> None:
    """Claim a peer's bundle, agree on a secret, and have the peer derive it too."""
    while True:
        await asyncio.sleep(chance.uniform(*CLAIM_SECONDS))
        others = [one for one in resident.peers if one is not resident and not one.entry.guest]
        peer = chance.choice(others)
        await attempt(resident, partial(agree, resident, peer))


def agree(resident: Resident, peer: Resident) -> str:
    """What two devices do that start a session, without the relay between them."""
    agreement = resident.device.agree_with(peer.entry.device_id)
    key = agreement.bundle["one_time_pre_key"]
    with_key = f"one-time pre-key {key['key_id']}" if key else "no one-time pre-key"
    same = peer.device.answer(agreement.header) == agreement.secret
    found = "both have the same secret" if same else "THE SECRETS DIFFER"
    return f"claimed {peer.entry.name}'s bundle with {with_key}; {found}"


async def rotate_now_and_then(resident: Resident, first: float) -> None:
    """Rotate the signed pre-key, more often than it must, so that it can be watched."""
    await asyncio.sleep(first)
    while True:
        await attempt(resident, partial(rotate, resident))
        await asyncio.sleep(chance.uniform(*ROTATION_SECONDS))


def rotate(resident: Resident) -> str:
    """One rotation, in words."""
    made = resident.device.rotate()["signed_pre_key"]
    return f"rotated to signed pre-key {made['key_id']}"


async def attempt(resident: Resident, act: Act) -> None:
    """Do something that blocks, in a thread; say what came of it."""

    def alone() -> str | None:
        with resident.talking:
            return act()

    try:
        words = await asyncio.to_thread(alone)
    except Failure as failure:
        words = f"failed: {failure}"
    if words:
        resident.say(words)
