"""Approving a guest's device: which rooms it opens is in front of whoever decides."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.selectors.approvals import as_requests, waiting_devices
from messaging.services.ends import close_room
from orgs.models import Membership, Organisation
from tests import cast
from tests.invitations.onboarding.acts import acting
from tests.messaging.externals import GIL, arrived, guest, opened
from tests.messaging.pages.affairs import get


def text(person: Membership, of: Organisation, name: str, *args: object) -> str:
    return " ".join(get(person, of, name, *args).text.split())


def test_it_says_which_rooms_a_guest_comes_into(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    opened(bob, alice)
    opened(bob, alice, name="Boiler 4")
    _, device = arrived(acme)

    page = text(alice, acme, "approval", device.id)
    assert "Comes into" in page
    assert "Boiler 3" in page
    assert "Boiler 4" in page
    assert "New guest of Initech, for Boiler 3, Boiler 4" in text(alice, acme, "approvals")


def test_a_room_that_is_closed_is_none_of_them(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    first = opened(bob, alice)
    opened(bob, alice, name="Boiler 4")
    _, device = arrived(acme)
    with acting(alice):
        close_room(room_id=first.id, reason="Repaired")

    page = text(alice, acme, "approval", device.id)
    assert "Boiler 3" not in page
    assert "Boiler 4" in page


def test_a_member_comes_into_no_room(acme: Organisation, alice: Membership) -> None:
    person = cast.phone(cast.member(acme, "Nia"), approved=False)
    assert "Comes into" not in text(alice, acme, "approval", person.id)


def test_many_guests_cost_what_one_does(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    def statements() -> int:
        with acting(alice), CaptureQueriesContext(connection) as sent:
            as_requests(waiting_devices().rows)
        return len(sent)

    opened(bob, alice)
    arrived(acme)
    one = statements()
    opened(bob, alice, name="Boiler 4", guests=[guest("Gil", GIL)])
    arrived(acme, GIL)
    assert statements() == one
