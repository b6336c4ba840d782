"""Pages of external rooms: asking, deciding, ending."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from messaging.models import RequestKind, RequestStatus, Room, RoomRequest, RoomStatus
from messaging.tasks import ends as sweeps
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from tests import cast
from tests.cast import inside
from tests.messaging.externals import (
    DAYS_10,
    GIL,
    GUS,
    approved,
    asked,
    come,
    emergency,
    guest,
    invited,
    now,
    opened,
    people,
    person,
    policy,
)


@pytest.fixture
def ann(acme: Organisation) -> Membership:
    """A second administrator."""
    return cast.member(acme, "Ann", Role.ADMIN)


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


def at(of: Organisation, *words: object) -> str:
    return "/".join(["/console", of.slug, *map(str, words)])


def when(days: int = 10) -> str:
    return f"{clock.now() + timedelta(days=days):%Y-%m-%dT%H:%M}"


def typed(**more: str) -> dict[str, str]:
    return {
        "name": "Boiler 3",
        "purpose": "Repair of the boiler",
        "party": "Initech",
        "closes_at": when(),
        "members": "",
        "name_1": "Gus",
        "phone_1": GUS,
        **more,
    }


def only(of: Organisation) -> RoomRequest:
    with inside(of):
        return RoomRequest.objects.select_related("room").get()


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# Asking


def test_a_room_is_asked_for(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    assert "Another administrator decides" in text(browser.get(at(acme, "rooms", "new")))
    answer = browser.post(
        at(acme, "rooms", "new"),
        typed(members=f" {bob.phone}\n\n{bob.email}", name_3="Gil", phone_3=GIL),
    )
    request = only(acme)

    assert answer["Location"] == at(acme, "rooms", "requests", request.id)
    assert request.room.status == RoomStatus.REQUESTED
    page = text(browser.get(answer["Location"]))
    for told in ("Repair of the boiler", "Initech", "Gus", "Gil", "Bob", "You asked for this"):
        assert told in page
    assert 'name="decision"' not in page


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"closes_at": "2020-01-01T10:00"}, "The end has to lie ahead."),
        ({"members": "nobody@example.org"}, "nobody@example.org"),
        ({"phone_1": "07700 900101"}, "country code"),
        ({"name_1": "", "phone_1": ""}, "Give the name of guest 1"),
        ({"name_2": "Gil"}, "phone number of guest 2"),
        ({"phone_2": GIL}, "name of guest 2"),
        ({"name_2": "Gil", "phone_2": GUS}, "twice"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    acme: Organisation, browser: Client, wrong: dict[str, str], says: str
) -> None:
    answer = browser.post(at(acme, "rooms", "new"), typed(**wrong))
    assert answer.status_code == 422
    assert says in text(answer)
    assert 'value="Initech"' in text(answer)
    with inside(acme):
        assert not Room.objects.exists()


def test_further_guests_and_a_later_end_are_asked_for(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    room = opened(bob, alice)
    assert "people of Initech" in text(browser.get(at(acme, "rooms", room.id, "guests")))
    browser.post(
        at(acme, "rooms", room.id, "guests"),
        {"name_1": "Gil", "phone_1": GIL, "reason": "Electrician"},
    )
    assert "as long as nobody approves" in text(browser.get(at(acme, "rooms", room.id, "extend")))
    browser.post(
        at(acme, "rooms", room.id, "extend"), {"closes_at": when(20), "reason": "More to do"}
    )
    with inside(acme):
        waiting = RoomRequest.objects.filter(status=RequestStatus.PENDING).order_by("requested_at")
        assert [one.kind for one in waiting] == [RequestKind.GUESTS, RequestKind.EXTENSION]
    again = browser.post(
        at(acme, "rooms", room.id, "extend"), {"closes_at": when(21), "reason": "More"}
    )
    assert again.status_code == 422
    assert "waits for its decision already" in text(again)


def test_the_duty_approver_opens_an_emergency_room(
    acme: Organisation, alice: Membership, ann: Membership, browser: Client
) -> None:
    policy(acme, emergency_rooms=True, duty_approver=ann.id)
    assert browser.get(at(acme, "rooms", "emergency")).status_code == 403
    assert browser.post(at(acme, "rooms", "emergency"), typed()).status_code == 403
    anns = cast.signed_in(ann)
    assert "after twelve hours" in text(anns.get(at(acme, "rooms", "emergency")))
    anns.post(at(acme, "rooms", "emergency"), typed())
    assert now(only(acme).room).status == RoomStatus.ACTIVE
    page = text(browser.get(at(acme, "rooms", "requests", only(acme).id)))
    assert "The duty approver opened this room alone" in page


# Deciding


def decide(browser: Client, of: Organisation, request: RoomRequest, **data: str) -> Any:
    return browser.post(at(of, "rooms", "requests", request.id), data, follow=True)


def test_what_waits_stands_on_approvals_and_is_counted(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    request = asked(bob)
    page = text(browser.get(at(acme, "approvals")))
    assert at(acme, "rooms", "requests", request.id) in page
    assert "A new room with Initech, until" in page
    assert "decision waits" in text(browser.get(at(acme, "")))
    answer = decide(browser, acme, request, decision="approve")
    assert "Boiler 3, a new external room: approved." in text(answer)
    assert invited(acme) == ["Gus"]
    assert "Boiler 3" in text(browser.get(at(acme, "approvals?tab=decided")))


def test_what_lapsed_stands_on_its_tab(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    asked(bob)
    with clock.moved_by(DAYS_10):
        sweeps.close_due_rooms()
    assert "Boiler 3" in text(browser.get(at(acme, "approvals?tab=expired")))


def test_a_denial_needs_a_reason(acme: Organisation, bob: Membership, browser: Client) -> None:
    request = asked(bob)
    assert "Say why it is denied" in text(decide(browser, acme, request, decision="deny"))
    decide(browser, acme, request, decision="deny", reason="No contract")
    page = text(browser.get(at(acme, "rooms", "requests", request.id)))
    assert "Alice denied this request on" in page
    assert "Reason: No contract" in page


def test_whoever_comes_second_sees_what_the_first_decided(
    acme: Organisation, bob: Membership, ann: Membership, browser: Client
) -> None:
    request = asked(bob)
    approved(ann, request)
    answer = decide(browser, acme, request, decision="deny", reason="No")
    assert answer.status_code == 409
    assert "Ann approved this request on" in text(answer)
    assert now(request.room).status == RoomStatus.ACTIVE


def test_the_first_of_two_sees_that_another_is_needed(
    acme: Organisation, bob: Membership, ann: Membership, browser: Client
) -> None:
    policy(acme, external_room_approvers=2)
    request = asked(bob)
    assert "has to approve it before anything happens" in text(
        browser.get(at(acme, "rooms", "requests", request.id))
    )
    assert "A second administrator has to approve it too" in text(
        decide(browser, acme, request, decision="approve")
    )
    assert "You approved this." in text(browser.get(at(acme, "rooms", "requests", request.id)))
    decide(cast.signed_in(ann), acme, request, decision="approve")
    assert now(request.room).status == RoomStatus.ACTIVE


def test_what_stands_against_an_approval_is_said(
    acme: Organisation, bob: Membership, browser: Client
) -> None:
    carol = cast.member(acme, "Carol")
    request = asked(bob, guests=[guest("Carol", carol.phone)])
    answer = decide(browser, acme, request, decision="approve")
    assert answer.status_code == 409
    assert "Carol is a member of the organisation" in text(answer)
    assert 'name="decision"' in text(answer)


def test_ones_own_request_is_withdrawn(
    acme: Organisation, ann: Membership, browser: Client
) -> None:
    request = asked(ann)
    anns = cast.signed_in(ann)
    assert decide(anns, acme, request, decision="approve").status_code == 403
    page = at(acme, "rooms", "requests", request.id, "withdraw")
    assert browser.post(page, {"reason": "No"}).status_code == 403
    assert "Nobody has to decide it" in text(anns.get(page))
    anns.post(page, {"reason": "Not needed"})
    assert only(acme).status == RequestStatus.WITHDRAWN


# Ending


def test_a_room_is_closed_with_a_reason(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    room = opened(bob, alice)
    come(alice, acme)
    page = at(acme, "rooms", room.id, "close")
    assert "Guests: Gus." in text(browser.get(page))
    assert browser.post(page, {"reason": ""}).status_code == 422
    browser.post(page, {"reason": "Done"})
    assert now(room).status == RoomStatus.CLOSED
    again = browser.post(page, {"reason": "Done"})
    assert "This room is closed" in text(again)


def test_a_guest_is_removed(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    room = opened(bob, alice)
    come(alice, acme)
    gus = person(acme, "Gus")
    page = at(acme, "rooms", room.id, "guests", gus.id, "remove")
    assert "Remove Gus from Boiler 3" in text(browser.get(page))
    browser.post(page, {"reason": "Wrong person"})
    assert people(room) == ["Bob"]
    assert browser.get(at(acme, "rooms", room.id, "guests", bob.id, "remove")).status_code == 404


def test_a_party_is_cut_off(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    room = opened(bob, alice)
    come(alice, acme)
    page = at(acme, "parties", room.party_id, "cut-off")
    assert "Rooms that close at once: 1." in text(browser.get(page))
    browser.post(page, {"reason": "Breached"})
    assert now(room).status == RoomStatus.CLOSED
    assert person(acme, "Gus").status == MembershipStatus.ENDED


def test_guests_without_a_sponsor_are_taken_over(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    opened(bob, alice)
    come(alice, acme)
    gus = person(acme, "Gus")
    page = at(acme, "guests", "sponsor")
    assert "Every guest has a sponsor" in text(browser.get(page, follow=True))
    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="Holiday")
    assert "Gus of Initech" in text(browser.get(page))
    assert "Tick at least one" in text(browser.post(page, {}))
    wrong = browser.post(page, {"guests": [gus.id], "sponsor": "nobody@example.org"})
    assert "No active member has this" in text(wrong)
    browser.post(page, {"guests": [gus.id], "sponsor": ""})
    assert person(acme, "Gus").sponsor_id == alice.id
    (event,) = cast.events(acme, "guest.sponsor_changed")
    assert event["data"] == {"before": str(bob.id), "after": str(alice.id)}


# Who


PAGES = ("new", "guests", "extend", "close", "remove", "cut-off", "sponsor", "withdraw")


def pages(of: Organisation, request: RoomRequest) -> dict[str, str]:
    room = request.room
    return {
        "new": at(of, "rooms", "new"),
        "guests": at(of, "rooms", room.id, "guests"),
        "extend": at(of, "rooms", room.id, "extend"),
        "close": at(of, "rooms", room.id, "close"),
        "remove": at(of, "rooms", room.id, "guests", uuid4(), "remove"),
        "cut-off": at(of, "parties", room.party_id, "cut-off"),
        "sponsor": at(of, "guests", "sponsor"),
        "withdraw": at(of, "rooms", "requests", request.id, "withdraw"),
    }


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR])
def test_who_only_reads_sees_the_request_and_decides_nothing(
    acme: Organisation, bob: Membership, role: Role
) -> None:
    request = asked(bob)
    reader = cast.signed_in(cast.member(acme, "Rea", role))
    page = at(acme, "rooms", "requests", request.id)
    assert "Owners and admins decide this" in text(reader.get(page))
    assert reader.post(page, {"decision": "approve"}).status_code == 403
    for address in pages(acme, request).values():
        assert reader.get(address).status_code == 403


def test_another_organisations_ids_are_not_found(
    acme: Organisation, globex: Organisation, bob: Membership, charlie: Membership
) -> None:
    request = asked(bob)
    charlies = cast.signed_in(charlie)
    for name, address in pages(acme, request).items():
        assert charlies.get(address).status_code == 404
        if name not in ("new", "sponsor"):
            theirs = address.replace(acme.slug, globex.slug)
            assert charlies.get(theirs).status_code == 404
            assert charlies.post(theirs, {"reason": "x"}).status_code == 404
    page = at(globex, "rooms", "requests", request.id)
    assert charlies.post(page, {"decision": "approve"}).status_code == 404


def test_an_emergency_room_is_confirmed_on_its_page(
    acme: Organisation, ann: Membership, browser: Client
) -> None:
    policy(acme, emergency_rooms=True, duty_approver=ann.id)
    request = emergency(ann)
    decide(browser, acme, request, decision="approve")
    assert not now(request.room).emergency


def test_statements_are_as_many_whatever_is_asked_for(
    acme: Organisation, bob: Membership, browser: Client
) -> None:
    few = asked(bob, cast.member(acme, "Dora"))
    for row in range(30):
        asked(bob, name=f"Room {row}", guests=[guest(f"Guest {row}", f"+4477009020{row:02}")])
    members = [cast.member(acme, f"M{row}") for row in range(9)]
    guests = [guest(f"Guest {row}", f"+4477009030{row:02}") for row in range(50)]
    many = asked(bob, *members, guests=guests)

    assert statements(lambda: browser.get(at(acme, "approvals"))) <= 16
    page = [at(acme, "rooms", "requests", one.id) for one in (few, many)]
    assert statements(lambda: browser.get(page[0])) <= 15
    assert statements(lambda: browser.get(page[1])) <= 15
    deciding = [
        statements(lambda: browser.post(one, {"decision": "approve"}))  # noqa: B023
        for one in page
    ]
    assert deciding[0] == deciding[1]
    assert len(invited(acme)) == 51


def statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)
