"""External rooms: asking, deciding, and what an approval gives."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from invitations.errors import SponsorNotActive
from messaging.errors import (
    ApprovalGiven,
    GuestRefused,
    RequestDecided,
    RequestPending,
    RequestTerms,
    RoomClosed,
)
from messaging.models import (
    NamedGuest,
    RequestStatus,
    Room,
    RoomKind,
    RoomMembership,
    RoomRequest,
    RoomStatus,
)
from messaging.services import requests
from orgs.errors import OwnRequest, PhoneInvalid
from orgs.models import ExternalParty, Membership, Organisation, Role
from orgs.services.memberships import end_membership, suspend_membership
from semafore.kernel import clock
from semafore.kernel.problems import NotFound, NotPermitted
from tests import cast
from tests.cast import events, inside
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import acting
from tests.messaging import talk
from tests.messaging.externals import (
    DAYS_10,
    GIL,
    HOUR,
    approved,
    arrived,
    asked,
    come,
    extension_of,
    guest,
    invitation,
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


def deny(by: Membership, request: RoomRequest, reason: str = "Not now") -> RoomRequest:
    with acting(by):
        return requests.deny_request(request_id=request.id, reason=reason)


def more_guests(by: Membership, room: Room, *guests: Any) -> RoomRequest:
    with acting(by):
        return requests.request_guests(
            room_id=room.id, guests=guests or [guest("Gil", GIL)], reason="An electrician"
        )


# Asking


def test_a_room_that_is_asked_for_has_only_who_asks_in_it(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    request = asked(bob, alice)

    assert now(request.room).status == RoomStatus.REQUESTED
    assert people(request.room) == ["Bob"]
    assert not now(request.room).open
    assert invited(acme) == []
    (event,) = events(acme, "room.requested")
    assert (event["data"]["members"], event["data"]["guests"]) == (2, 1)
    assert len(events(acme, "room.guest_named")) == len(events(acme, "party.created")) == 1


def test_the_approval_opens_the_room_and_invites_the_guests(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    request = approved(alice, asked(bob, alice, guests=[guest(), guest("Gil", GIL)]))

    assert now(request.room).status == RoomStatus.ACTIVE
    assert people(request.room) == ["Alice", "Bob"]
    assert invited(acme) == ["Gil", "Gus"]
    gus = invitation(acme)
    assert gus.party is not None
    assert (gus.party.name, gus.sponsor_id, gus.room_id) == ("Initech", bob.id, request.room_id)
    assert (gus.membership_ends_at, gus.channel) == (request.closes_at, "sms")


def test_a_guest_is_in_the_room_once_the_device_is_approved_and_can_be_written_to(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    room = opened(bob, alice)
    gus = come(alice, acme)

    assert people(room) == ["Bob", "Gus"]
    bob_phone.api.send_message(room.id, talk.message([gus]))
    gus.api.send_message(room.id, talk.message([bob_phone]))
    with inside(acme):
        named = NamedGuest.objects.get()
    assert named.membership_id == person(acme, "Gus").id


def test_a_party_is_found_again_whatever_its_letters(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    asked(bob)
    asked(bob, name="Boiler 4", party=" INITECH ", guests=[guest("Gil", GIL)])
    with inside(acme):
        assert ExternalParty.objects.count() == 1


@pytest.mark.parametrize(
    ("terms", "problem", "says"),
    [
        ({"closes_at": timedelta(0)}, RequestTerms, "ahead"),
        ({"closes_at": timedelta(days=91)}, RequestTerms, "at most 90 days"),
        ({"guests": []}, RequestTerms, "guests"),
        ({"guests": [guest(), guest("Gil", "+44 7700 901101")]}, RequestTerms, "twice"),
        ({"guests": [guest(phone="12")]}, PhoneInvalid, "phone number"),
        ({"guests": [guest(name=" ")]}, RequestTerms, "name"),
        ({"guests": [guest(membership_id=uuid4())]}, NotFound, "Not found"),
        ({"name": " "}, RequestTerms, "name"),
        ({"purpose": ""}, RequestTerms, "purpose"),
        ({"party": "x" * 201}, RequestTerms, "company"),
        ({"member_ids": [uuid4()]}, NotFound, "Not found"),
        ({"parent_id": uuid4()}, NotFound, "Not found"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    acme: Organisation, bob: Membership, terms: dict[str, Any], problem: Any, says: str
) -> None:
    if "closes_at" in terms:
        terms = {"closes_at": clock.now() + terms["closes_at"]}
    with pytest.raises(problem, match=says):
        asked(bob, **terms)
    with inside(acme):
        assert not Room.objects.exists()
        assert not ExternalParty.objects.exists()
    assert not events(acme, "room.requested")


def test_nobody_of_another_organisation_can_be_named(
    acme: Organisation, bob: Membership, charlie: Membership
) -> None:
    with pytest.raises(NotFound):
        asked(bob, charlie)


def test_a_guest_asks_for_nothing(acme: Organisation, alice: Membership, bob: Membership) -> None:
    room = opened(bob, alice)
    come(alice, acme)
    gus = person(acme, "Gus")
    with pytest.raises(NotPermitted):
        asked(gus)
    with pytest.raises(NotPermitted):
        more_guests(gus, room)
    with pytest.raises(NotPermitted):
        extension_of(gus, room)


def test_a_member_is_no_guest_and_only_who_reads_people_learns_so_at_once(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership
) -> None:
    carol = cast.member(acme, "Carol")
    with pytest.raises(GuestRefused, match="is a member of the organisation"):
        asked(ann, guests=[guest("C", carol.phone)])
    request = asked(bob, guests=[guest("C", carol.phone)])
    with pytest.raises(GuestRefused, match="is a member of the organisation"):
        approved(alice, request)
    assert now(request.room).status == RoomStatus.REQUESTED
    with inside(acme):
        assert request.decisions.count() == 0


def test_a_guest_of_another_party_is_refused(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    opened(bob, alice)
    come(alice, acme)
    request = asked(bob, party="Umbrella")
    with pytest.raises(GuestRefused, match="another external party"):
        approved(alice, request)


# Deciding


def test_nobody_approves_or_denies_their_own_request(acme: Organisation, ann: Membership) -> None:
    request = asked(ann)
    with pytest.raises(OwnRequest):
        approved(ann, request)
    with pytest.raises(OwnRequest):
        deny(ann, request)


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR, Role.MEMBER])
def test_only_owners_and_admins_decide(acme: Organisation, bob: Membership, role: Role) -> None:
    request = asked(bob)
    with pytest.raises(NotPermitted):
        approved(cast.member(acme, "Dora", role), request)


def test_another_organisations_owner_finds_no_request(
    acme: Organisation, bob: Membership, charlie: Membership
) -> None:
    request = asked(bob)
    for decide in (approved, deny):
        with pytest.raises(NotFound):
            decide(charlie, request)


def test_two_administrators_where_the_policy_wants_two(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership
) -> None:
    policy(acme, external_room_approvers=2)
    request = asked(bob)

    assert approved(alice, request).status == RequestStatus.PENDING
    assert now(request.room).status == RoomStatus.REQUESTED
    with pytest.raises(ApprovalGiven):
        approved(alice, request)
    assert approved(ann, request).status == RequestStatus.APPROVED
    assert now(request.room).status == RoomStatus.ACTIVE
    assert [one["data"]["approvals"] for one in events(acme, "room.approved")] == [1, 2]


def test_whoever_comes_second_reads_who_decided_and_when(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership
) -> None:
    request = approved(alice, asked(bob))
    with pytest.raises(RequestDecided, match=r"Alice approved this request on .+ UTC\."):
        deny(ann, request)


def test_a_denied_room_stays_shut_and_nobody_is_in_it(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership
) -> None:
    policy(acme, external_room_approvers=2)
    request = asked(bob)
    approved(alice, request)
    deny(ann, request)

    assert now(request.room).status == RoomStatus.DENIED
    assert people(request.room) == []
    assert invited(acme) == []
    with pytest.raises(RequestDecided, match="Ann denied this request"):
        approved(alice, request)


def test_a_request_is_withdrawn_by_who_asked_alone(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    request = asked(bob)
    with acting(alice), pytest.raises(NotPermitted):
        requests.withdraw_request(request_id=request.id)
    with acting(bob):
        requests.withdraw_request(request_id=request.id, reason="Done already")

    assert now(request.room).status == RoomStatus.CLOSED
    assert people(request.room) == []
    with pytest.raises(RequestDecided, match="was withdrawn"):
        approved(alice, request)


def test_who_asked_has_to_be_there_to_answer_for_the_guests(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    request = asked(bob)
    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="Holiday")
    with pytest.raises(SponsorNotActive):
        approved(alice, request)


def test_members_who_left_meanwhile_are_not_put_in(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    carol = cast.member(acme, "Carol")
    request = asked(bob, carol)
    with inside(acme):
        end_membership(membership_id=carol.id, reason="Left")
    approved(alice, request)
    assert people(request.room) == ["Bob"]


def test_an_end_that_has_passed_is_not_approved(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    request = asked(bob, closes_at=clock.now() + HOUR)
    with clock.moved_by(2 * HOUR), pytest.raises(RequestTerms, match="passed"):
        approved(alice, request)


# More guests, a later end


def test_an_active_guest_of_the_party_is_in_the_next_room_at_once_and_stays_longer(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    first = opened(bob, alice, closes_at=clock.now() + timedelta(days=2))
    come(alice, acme)
    second = opened(bob, alice, name="Boiler 4")

    assert people(first) == people(second) == ["Bob", "Gus"]
    assert person(acme, "Gus").ends_at == second.closes_at
    assert len(events(acme, "invitation.issued")) == 1


def test_a_guest_who_is_still_to_come_comes_into_both_rooms(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    first = opened(bob, alice, closes_at=clock.now() + timedelta(days=2))
    second = opened(bob, alice, name="Boiler 4")
    assert invited(acme) == ["Gus"]
    assert invitation(acme).membership_ends_at == second.closes_at
    come(alice, acme)

    assert people(first) == people(second) == ["Bob", "Gus"]


def test_a_guest_whose_device_waits_comes_into_both_rooms(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    first = opened(bob, alice, closes_at=clock.now() + timedelta(days=2))
    _, device = arrived(acme)
    second = opened(bob, alice, name="Boiler 4")
    assert people(second) == ["Bob"]
    acts.approve(alice, device)

    assert people(first) == people(second) == ["Bob", "Gus"]
    assert person(acme, "Gus").ends_at == second.closes_at


def test_a_guest_who_left_meanwhile_is_invited_again(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    opened(bob, alice)
    come(alice, acme)
    gus = person(acme, "Gus")
    request = asked(bob, name="Boiler 4", guests=[guest(membership_id=gus.id)])
    with inside(acme):
        end_membership(membership_id=gus.id, reason="Left Initech")
    approved(alice, request)
    assert invited(acme) == ["Gus"]


def test_further_guests_take_a_new_approval(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = opened(bob, alice)
    request = more_guests(bob, room)
    assert invited(acme) == ["Gus"]
    with pytest.raises(RequestPending):
        more_guests(bob, room, guest("Gab", "+447700901103"))
    approved(alice, request)
    assert invited(acme) == ["Gil", "Gus"]
    come(alice, acme, GIL)
    assert people(room) == ["Bob", "Gil"]


def test_an_extension_moves_the_room_and_the_guests(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = opened(bob, alice, guests=[guest(), guest("Gil", GIL)])
    come(alice, acme)
    request = extension_of(bob, room)
    assert now(room).closes_at == room.closes_at
    approved(alice, request)

    assert now(room).closes_at == request.closes_at
    assert person(acme, "Gus").ends_at == request.closes_at
    assert invitation(acme, GIL).membership_ends_at == request.closes_at
    (event,) = events(acme, "room.extended")
    assert event["data"]["before"] < event["data"]["after"]


@pytest.mark.parametrize(("days", "says"), [(5, "later than"), (91, "at most 90 days")])
def test_an_extension_that_is_none_or_too_long_is_refused(
    acme: Organisation, alice: Membership, bob: Membership, days: int, says: str
) -> None:
    room = opened(bob, alice)
    with pytest.raises(RequestTerms, match=says):
        extension_of(bob, room, days)


def test_a_denied_extension_changes_nothing(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = opened(bob, alice)
    deny(alice, extension_of(bob, room))
    assert now(room).closes_at == room.closes_at
    assert now(room).status == RoomStatus.ACTIVE


def test_only_administrators_of_the_room_or_of_all_ask_for_it(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership, charlie: Membership
) -> None:
    dora, eve = cast.member(acme, "Dora"), cast.member(acme, "Eve")
    room = opened(bob, alice, dora)
    with pytest.raises(NotPermitted):
        extension_of(dora, room)
    for outsider in (eve, charlie):
        with pytest.raises(NotFound):
            extension_of(outsider, room)
    assert extension_of(ann, room).status == RequestStatus.PENDING


def test_a_room_that_is_closed_or_waits_takes_no_request(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    waiting = asked(bob).room
    with pytest.raises(RequestPending):
        extension_of(bob, waiting)
    room = opened(bob, alice, name="Boiler 4", closes_at=clock.now() + HOUR)
    with clock.moved_by(2 * HOUR), pytest.raises(RoomClosed):
        extension_of(bob, room)


# Threads


def test_a_thread_of_a_group_shows_its_guests_the_thread_alone(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    group = talk.group(acme, alice, bob)
    thread = opened(bob, alice, alice, parent_id=group.id)
    come(alice, acme)

    assert people(thread) == ["Alice", "Bob", "Gus"]
    assert people(group) == ["Alice", "Bob"]
    with pytest.raises(RequestTerms, match="people of its room"):
        asked(bob, cast.member(acme, "Carol"), parent_id=group.id)
    with pytest.raises(NotFound):
        asked(cast.member(acme, "Eve"), parent_id=group.id)
    with pytest.raises(RequestTerms, match="threads"):
        asked(bob, parent_id=thread.id)


def test_a_thread_of_an_external_room_has_its_party_and_ends_no_later(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = opened(bob, alice)
    with pytest.raises(RequestTerms, match="is for Initech"):
        asked(bob, parent_id=room.id, party="Umbrella", closes_at=clock.now() + HOUR)
    with pytest.raises(RequestTerms, match="ends no later"):
        asked(bob, parent_id=room.id, closes_at=clock.now() + 2 * DAYS_10)
    thread = opened(bob, alice, parent_id=room.id, closes_at=clock.now() + HOUR)
    with inside(acme):
        assert Room.objects.get(id=thread.id).kind == RoomKind.EXTERNAL
        assert RoomMembership.objects.filter(room=thread, ended_at=None).count() == 1
    with pytest.raises(RequestTerms, match="ends no later"):
        extension_of(bob, thread)
