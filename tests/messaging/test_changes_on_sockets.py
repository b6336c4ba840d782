"""When sockets are told that the feed moved on."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys.models import RevocationReason
from keys.selectors.credentials import credential_of
from keys.services.revocation import revoke_device
from messaging.changes_on_sockets import on_socket_connected, on_sockets_look
from messaging.selectors.changes import changes
from messaging.services.periods import close
from orgs.models import Membership, Organisation
from orgs.services.memberships import edit_membership
from semafore.kernel import hooks
from tests import cast
from tests.cast import Phone, inside, phone
from tests.messaging.calls import external, get, guest, new_direct, new_group, refused
from tests.messaging.talk import group


class Sockets:
    """Open sockets of an organisation, and what they are told."""

    def __init__(self, of: Organisation, *phones: Phone) -> None:
        self.of = of
        self.phones = phones
        self.told: dict[Any, dict[str, Any]] = {}
        self.hello: dict[Any, str] = {}
        with inside(of):
            for one in phones:
                connected = hooks.SocketConnected(one.id, one.device.membership_id)
                on_socket_connected(connected)
                self.told[one.id] = connected.told
                self.hello[one.id] = connected.hello["changes_cursor"]

    def beginning(self, *, ready: bool = True) -> hooks.SocketsLook:
        """A look that hasn't found anything yet."""
        return hooks.SocketsLook(
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
            ]
        )

    def look(self, *, ready: bool = True) -> set[str]:
        """The names of the devices that hear of changes; their cursors are good."""
        look = self.beginning(ready=ready)
        with inside(self.of):
            on_sockets_look(look)
        heard = set()
        for one in self.phones:
            for frame in look.frames.get(one.id, ()):
                assert frame.keys() == {"type", "cursor"}
                assert frame["type"] == "changes"
                with inside(self.of):
                    changes(credential_of(one.reload()), cursor=frame["cursor"])
                heard.add(one.device.name)
        return heard


@pytest.fixture
def gus(acme: Organisation, alice: Membership) -> Membership:
    """A guest, in no room yet."""
    return guest(acme, alice)


def test_hello_says_where_the_feed_stands(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership
) -> None:
    sockets = Sockets(acme, alice_phone)
    cursor = sockets.hello[alice_phone.id]
    room = new_direct(alice_phone, bob)
    page = get(alice_phone, f"changes?cursor={cursor}")
    assert [one["id"] for one in page["rooms"]["changed"]] == [room["id"]]


def test_whoever_may_see_something_new_hears_of_it_once(
    acme: Organisation, alice: Membership, bob: Membership, gus: Membership
) -> None:
    a, b, g = phone(alice, name="A"), phone(bob, name="B"), phone(gus, name="G")
    sockets = Sockets(acme, a, b, g)
    assert sockets.look() == set()

    group(acme, alice)
    assert sockets.look() == {"A"}
    assert sockets.look() == set()
    room = external(acme, bob, gus)
    assert sockets.look() == {"B", "G"}
    cast.member(acme, "Carol")
    assert sockets.look() == {"A", "B"}
    with inside(acme):
        edit_membership(membership_id=bob.id, name="Robert", unit="")
    assert sockets.look() == {"A", "B", "G"}
    with inside(acme):
        revoke_device(device_id=phone(bob).id, reason=RevocationReason.LOST)
    assert sockets.look() == {"A", "B", "G"}
    with inside(acme):
        close(room, reason="over")
    assert sockets.look() == {"B", "G"}
    with inside(acme):
        edit_membership(membership_id=gus.id, name="Augustus", unit="")
    assert sockets.look() == {"A", "B", "G"}
    assert sockets.look() == set()


def test_a_socket_that_takes_no_frames_hears_of_it_later(
    acme: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    sockets = Sockets(acme, alice_phone)
    group(acme, alice)
    assert sockets.look(ready=False) == set()
    assert sockets.look() == {"Phone"}


def test_what_happens_elsewhere_is_no_news(
    acme: Organisation, alice_phone: Phone, charlie_phone: Phone
) -> None:
    sockets = Sockets(acme, alice_phone)
    new_group(charlie_phone)
    assert sockets.look() == set()
    with refused(410, "cursor_expired"):
        get(charlie_phone, f"changes?cursor={sockets.hello[alice_phone.id]}")


def test_a_look_takes_one_statement_where_nothing_is_new_and_two_else(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    sockets = Sockets(acme, *(phone(one) for one in (alice, bob) for _ in range(2)))

    def cost() -> int:
        look = sockets.beginning()
        with inside(acme), CaptureQueriesContext(connection) as queries:
            on_sockets_look(look)
        return len(queries)

    assert cost() == 1
    group(acme, alice, bob)
    assert cost() == 2
    assert cost() == 1
