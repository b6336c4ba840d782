"""The order of two sockets of one device within one process, which chance seldom brings about."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID, uuid4

import pytest

from keys.selectors.credentials import token_hash
from realtime.frames import Frame, KeyNews
from realtime.hub import Hub
from realtime.services import take_place
from tests.cast import Phone
from tests.realtime import acts
from tests.realtime.processes import PATIENCE, elsewhere


class Wire:
    """A socket without a network."""

    def __init__(self, organisation_id: UUID, device_id: UUID, serial: int) -> None:
        self.organisation_id = organisation_id
        self.device_id = device_id
        self.token_hash = b"-"
        self.serial = serial
        self.news = KeyNews()
        self.busy = False
        self.closed_with: int | None = None

    async def push(self, frames: Sequence[Frame]) -> None:
        raise AssertionError(frames)

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
    return wire


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    assert true()
