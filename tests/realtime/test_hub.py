"""The order of two sockets of one device within one process, which chance seldom brings about."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from keys.selectors.credentials import token_hash
from messaging.changes_on_sockets import TOLD
from messaging.models import Envelope
from orgs.models import Membership
from realtime.frames import Frame, KeyNews
from realtime.hub import Hub
from realtime.services import take_place
from semafore.kernel.actor import SYSTEM
from semafore.kernel.realtime import Hint
from tests.cast import Phone
from tests.messaging import post, talk
from tests.realtime import acts
from tests.realtime.processes import PATIENCE, becomes, elsewhere


class Wire:
    """A socket without a network."""

    def __init__(self, organisation_id: UUID, device_id: UUID, serial: int) -> None:
        self.organisation_id = organisation_id
        self.device_id = device_id
        self.token_hash = b"-"
        self.serial = serial
        self.actor = SYSTEM
        self.news = KeyNews()
        # As the handshake leaves it, with nothing new ever after.
        self.told: dict[str, Any] = {TOLD: 2**62}
        self.busy = False
        self.pushed: list[Frame] = []
        self.taking: asyncio.Event | None = None
        """Frames are taken once it is set; None: at once."""
        self.closed_with: int | None = None

    async def push(self, frames: Sequence[Frame]) -> None:
        if self.taking is not None:
            await self.taking.wait()
        self.pushed += frames

    def types(self) -> list[str]:
        return [frame["type"] for frame in self.pushed]

    async def finish(self, code: int) -> None:
        assert self.closed_with is None
        self.closed_with = code


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    yield hub
    tasks = list(hub._tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_the_higher_serial_wins_whoever_joins_first(hub: Hub, order: tuple[int, int]) -> None:
    organisation_id, device_id = uuid4(), uuid4()
    first, second = (Wire(organisation_id, device_id, serial) for serial in order)
    hub.join(first)
    hub.join(second)
    await asyncio.sleep(0)
    assert {wire.serial: wire.closed_with for wire in (first, second)} == {1: 4409, 2: None}
    # The loser's own departure leaves the winner in its place.
    for wire in (first, second):
        if wire.closed_with:
            hub.leave(wire)
    assert hub._sockets[device_id].serial == 2


async def test_a_socket_that_joins_as_the_last_one_leaves_hears_its_hints(
    hub: Hub, alice_phone: Phone
) -> None:
    """The unsubscription of the one that left is still to be done, and must not be."""
    first = await elsewhere(_wire, alice_phone)
    # The same place: a later one would have the first's own look close it, sooner or later.
    second = Wire(first.organisation_id, first.device_id, first.serial)
    second.token_hash = first.token_hash
    hub.join(first)
    subscriber = hub._subscriber
    assert subscriber is not None
    await _until(lambda: alice_phone.id in subscriber._subscribed)
    hub.leave(first)
    hub.join(second)
    # It looked before the act, so only the hint can tell of it.
    await _until(lambda: not hub._looking)
    await elsewhere(acts.revoke, alice_phone)
    await _until(lambda: second.closed_with == 4401)


def _wire(phone: Phone) -> Wire:
    """A socket as the handshake makes one."""
    token = phone.api.token()
    with acts.inside(phone):
        serial = take_place(device_id=phone.id)
    wire = Wire(phone.device.organisation_id, phone.id, serial)
    wire.token_hash = token_hash(token)
    wire.actor = post.actor(phone)
    return wire


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    assert true()


async def test_a_refusal_heard_while_frames_are_under_way_is_told_after_them(
    hub: Hub, alice_phone: Phone
) -> None:
    wire = await elsewhere(_wire, alice_phone)
    taking = asyncio.Event()
    wire.taking = taking
    await elsewhere(acts.age_signed_pre_key, alice_phone, left=-timedelta(hours=1))
    hub.join(wire)
    await _until(lambda: wire.busy)
    hub._hinted(alice_phone.id, Hint.SIGNED_PRE_KEY_EXPIRED)
    await _until(lambda: alice_phone.id in hub._again)
    taking.set()
    await _until(lambda: wire.types().count("key_bundle.signed_pre_key_expired") == 2)
    assert wire.types().count("mailbox.drained") == 1


async def test_more_sockets_than_fit_one_look_all_get_theirs(
    hub: Hub, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.hub.TOGETHER", 2)
    phones = [await elsewhere(acts.another, alice) for _ in range(5)]
    wires = [await elsewhere(_wire, phone) for phone in phones]
    for wire in wires:
        hub.join(wire)
    await _until(lambda: all(wire.types() == ["mailbox.drained"] for wire in wires))


async def test_frames_of_a_socket_that_left_are_carried_out(hub: Hub, alice_phone: Phone) -> None:
    envelope_id = await elsewhere(_envelope, alice_phone)
    wire = await elsewhere(_wire, alice_phone)
    hub.join(wire)
    await _until(lambda: "envelope" in wire.types())
    await hub.hear(wire, {"type": "ack", "envelope_ids": [envelope_id]})
    hub.leave(wire)
    await becomes(0, acts.waiting, alice_phone)
    assert not hub._heard


def _envelope(to: Phone) -> str:
    """The id of an envelope that waits."""
    with acts.inside(to):
        person = Membership.objects.select_related("organisation").get(id=to.device.membership_id)
        sender = acts.another(person)
        room = talk.group(person.organisation, person)
    post.say(sender, room, [to], b"ciphertext")
    with acts.inside(to):
        return str(Envelope.objects.get().envelope_id)
