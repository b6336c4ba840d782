"""The order of two sockets of one device within one process, which chance seldom brings about."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from realtime.frames import Frame, KeyNews
from realtime.hub import Hub


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
