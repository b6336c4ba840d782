"""When sockets are told of the log's newest checkpoint."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.models import Organisation
from realtime.checkpoints import tell_checkpoints
from semafore.kernel import clock, hooks
from tests import cast
from tests.cast import Phone, inside
from tests.keys.logs import published
from tests.messaging import talk
from tests.realtime.processes import RealtimeServer, elsewhere, hello, stays_quiet


async def test_it_comes_behind_the_backlog_once(
    server: RealtimeServer, acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    def prepare() -> str:
        people = alice_phone.device.membership, bob_phone.device.membership
        room = talk.group(acme, *people)
        alice_phone.api.send_message(room.id, talk.message([bob_phone]))
        newest = published(acme)
        bob_phone.api.token()
        return newest.note

    note = await elsewhere(prepare)
    async with server.open(bob_phone.api.token()) as socket:
        await hello(socket)
        frames = [await socket.receive() for _ in range(3)]
        types = [frame["type"] for frame in frames if frame is not None]
        assert types == ["envelope", "mailbox.drained", "log.checkpoint"]
        assert frames[2] == {"type": "log.checkpoint", "checkpoint": note}
        # A newer one waits until the hour is over.
        await elsewhere(published, acme)
        await elsewhere(cast.member, acme, "Dora")
        await elsewhere(published, acme)
        assert await stays_quiet(socket)


class Sockets:
    """Open sockets, and what they were told."""

    def __init__(self, of: Organisation, *phones: Phone) -> None:
        self.of = of
        self.phones = phones
        self.told: dict[UUID, dict[str, Any]] = {one.id: {} for one in phones}

    def look(self, *, ready: bool = True, more: set[UUID] | None = None) -> tuple[set[UUID], int]:
        """Who is told, and in how many statements."""
        look = hooks.SocketsLook(
            [
                hooks.OpenSocket(
                    device_id=one.id,
                    membership_id=one.device.membership_id,
                    serial=1,
                    ready=ready,
                    unsure=False,
                    told=self.told[one.id],
                )
                for one in self.phones
            ],
            more=more or set(),
        )
        with inside(self.of), CaptureQueriesContext(connection) as queries:
            tell_checkpoints(look)
        return set(look.frames), len(queries)


def test_a_look_with_nothing_to_say_costs_no_statement(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    published(acme)
    sockets = Sockets(acme, alice_phone, bob_phone)
    both = {alice_phone.id, bob_phone.id}

    assert sockets.look(ready=False) == (set(), 0)
    assert sockets.look(more=both) == (set(), 0)
    assert sockets.look(more={bob_phone.id}) == ({alice_phone.id}, 2)
    assert sockets.look() == ({bob_phone.id}, 2)
    assert sockets.look() == (set(), 0)
    with clock.moved_by(timedelta(minutes=59)):
        assert sockets.look() == (set(), 0)


def test_within_an_hour_a_newer_one_is_told_once_and_no_older_one_again(
    acme: Organisation, alice_phone: Phone
) -> None:
    sockets = Sockets(acme, alice_phone)
    assert sockets.look() == (set(), 2)
    published(acme)
    assert sockets.look() == (set(), 0)
    with clock.moved_by(timedelta(hours=1)):
        assert sockets.look() == ({alice_phone.id}, 2)
    with clock.moved_by(timedelta(hours=2)):
        assert sockets.look() == (set(), 2)
    cast.member(acme, "Dora")
    published(acme)
    with clock.moved_by(timedelta(hours=3)):
        assert sockets.look() == ({alice_phone.id}, 2)


def test_each_organisation_is_told_of_its_own(
    acme: Organisation, globex: Organisation, alice_phone: Phone, charlie_phone: Phone
) -> None:
    published(acme)
    assert Sockets(acme, alice_phone).look()[0] == {alice_phone.id}
    assert Sockets(globex, charlie_phone).look()[0] == set()
