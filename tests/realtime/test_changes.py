"""Sockets hear that the feed of changes moved on."""

from messaging.services import rooms
from orgs.models import Membership, Organisation
from tests import cast
from tests.cast import Phone
from tests.messaging.calls import acting, get
from tests.realtime.processes import RealtimeServer, elsewhere, frame, hello, stays_quiet


def make_room(mine: Phone, other: Membership) -> None:
    with acting(mine):
        rooms.create_direct(other_id=other.id)


async def test_who_is_put_into_a_room_hears_of_it_at_once(
    server: RealtimeServer, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    token = await elsewhere(bob_phone.api.token)
    async with server.open(token) as socket:
        cursor = (await hello(socket))["changes_cursor"]
        await elsewhere(make_room, alice_phone, bob)
        assert (await frame(socket))["type"] == "changes"
        page = await elsewhere(get, bob_phone, f"changes?cursor={cursor}")
        assert len(page["rooms"]["changed"]) == 1
        assert await stays_quiet(socket)


async def test_what_nobody_was_told_of_shows_at_the_slow_poll(
    polling_server: RealtimeServer, acme: Organisation, alice_phone: Phone
) -> None:
    token = await elsewhere(alice_phone.api.token)
    async with polling_server.open(token) as socket:
        await hello(socket)
        assert await stays_quiet(socket)
        await elsewhere(cast.member, acme, "Carol")
        assert (await frame(socket))["type"] == "changes"
        assert await stays_quiet(socket)
