"""Incident room: open at once by the rules of emergency rooms, and who was told stands there."""

from datetime import timedelta
from typing import Any

from messaging.models import RequestKind, RoomRequest, RoomStatus
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.console.playbooks.acts import (
    carried_out,
    ids_of,
    number_of_events,
    page,
    record_of,
    run_of,
)
from tests.messaging import externals
from tests.messaging.pages import affairs


def typed(bob: Membership) -> dict[str, Any]:
    return {
        "name": "Breach",
        "purpose": "Contain the breach",
        "party": "Initech",
        "closes_at": f"{clock.now() + timedelta(days=3):%Y-%m-%dT%H:%M}",
        "members": bob.phone,
        "name_1": "Gus",
        "phone_1": externals.GUS,
    }


def test_it_is_open_at_once_and_says_who_was_told(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    externals.policy(acme, emergency_rooms=True, duty_approver=alice.id)
    record = carried_out(alice, acme, "incident_room", typed(bob))

    with cast.inside(acme):
        asked = RoomRequest.objects.select_related("room").get()
    assert asked.kind == RequestKind.CONFIRMATION
    assert asked.room.status == RoomStatus.ACTIVE
    assert asked.room.closes_at is not None
    assert asked.room.closes_at <= clock.now() + timedelta(hours=12)
    assert externals.people(asked.room) == ["Alice", "Bob"]
    assert externals.invited(acme) == ["Gus"]
    run = run_of(acme)
    assert set(ids_of(acme, "room.emergency_opened", "invitation.issued")) <= set(run["events"])
    text = record_of(alice, acme, record)
    for told in ("Gus: invited by SMS", "Bob: told by their devices", "A second administrator"):
        assert told in text


def test_a_second_room_with_the_company_has_to_wait(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    externals.policy(acme, emergency_rooms=True, duty_approver=alice.id)
    browser, address = cast.signed_in(alice), page("incident_room", acme)
    assert browser.post(address, typed(bob)).status_code == 302
    before = number_of_events(acme)
    again = browser.post(address, typed(bob))
    assert again.status_code == 422
    assert "nobody has confirmed" in again.text
    assert "Contain the breach" in again.text, "what was typed stays"
    assert number_of_events(acme) == before


def test_the_duty_approver_alone(acme: Organisation, alice: Membership, bob: Membership) -> None:
    ada = cast.member(acme, "Ada", Role.ADMIN)
    browser, address = cast.signed_in(ada), page("incident_room", acme)
    assert "no emergency rooms" in browser.get(address).text
    externals.policy(acme, emergency_rooms=True, duty_approver=alice.id)
    assert "that is Alice" in browser.get(address).text
    assert browser.post(address, typed(bob)).status_code == 403


def test_company_and_person_are_filled_in(
    acme: Organisation, alice: Membership, bob: Membership, charlie: Membership
) -> None:
    externals.policy(acme, emergency_rooms=True, duty_approver=alice.id)
    party, browser = affairs.party(acme, "Initech"), cast.signed_in(alice)
    plan = browser.get(page("incident_room", acme, party=party.id, person=bob.id))
    assert plan.context["form"].initial == {"party": "Initech", "members": bob.phone}
    assert browser.get(page("incident_room", acme, person=charlie.id)).status_code == 404
