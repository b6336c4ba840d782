"""Ends: of rooms, of guests' time, of all that is shared with a party; and what is told before."""

from datetime import timedelta

import pytest

from invitations.models import Invitation, State
from messaging.errors import RequestDecided, RoomClosed
from messaging.models import (
    Notice,
    NoticeKind,
    RequestStatus,
    Room,
    RoomMembership,
    RoomRequest,
    RoomStatus,
)
from messaging.services import ends, requests
from messaging.tasks import ends as sweeps
from orgs.models import Mail, Membership, MembershipStatus, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, events, inside
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import acting
from tests.messaging import calls, talk
from tests.messaging.externals import (
    DAYS_10,
    GIL,
    HOUR,
    approved,
    arrived,
    asked,
    come,
    guest,
    invitation,
    invited,
    now,
    opened,
    people,
    person,
)


@pytest.fixture
def room(alice: Membership, bob: Membership) -> Room:
    """Open for ten days; Gus and Gil are invited."""
    return opened(bob, alice, guests=[guest(), guest("Gil", GIL)])


@pytest.fixture
def gus(acme: Organisation, alice: Membership, room: Room) -> Phone:
    """Gus, in the room."""
    return come(alice, acme)


def close(by: Membership, room: Room) -> None:
    with acting(by):
        ends.close_room(room_id=room.id, reason="Done")


def remove(by: Membership, room: Room, who: Membership) -> None:
    with acting(by):
        ends.remove_guest(room_id=room.id, membership_id=who.id, reason="Wrong person")


def cut_off(by: Membership, room: Room) -> None:
    assert room.party_id is not None
    with acting(by):
        ends.cut_off_party(party_id=room.party_id, reason="They were breached")


def notices(of: Organisation, device: Phone) -> list[str]:
    with inside(of):
        return list(Notice.objects.filter(device_id=device.id).values_list("kind", flat=True))


# Closing


def test_closing_early_takes_effect_at_once(
    acme: Organisation, bob: Membership, bob_phone: Phone, room: Room, gus: Phone
) -> None:
    with acting(bob):
        waiting = requests.request_extension(
            room_id=room.id, closes_at=clock.now() + 2 * DAYS_10, reason="More"
        )
    close(bob, room)

    assert (now(room).status, people(room)) == (RoomStatus.CLOSED, [])
    assert person(acme, "Gus").status == MembershipStatus.ENDED
    assert invitation(acme, GIL).state == State.REVOKED
    assert NoticeKind.ROOM_CLOSED in notices(acme, bob_phone)
    with inside(acme):
        assert RoomRequest.objects.get(id=waiting.id).status == RequestStatus.LAPSED
    # Guests leave, and their devices with them.
    with pytest.raises(ApiProblem) as refused:
        gus.api.send_message(room.id, talk.message([bob_phone]))
    assert refused.value.code == "membership_ended"
    with acting(bob), pytest.raises(NotFound):
        ends.close_room(room_id=room.id, reason="Again")


def test_an_administrator_of_all_rooms_finds_it_closed_already(
    alice: Membership, bob: Membership, room: Room
) -> None:
    close(bob, room)
    with pytest.raises(RoomClosed):
        close(alice, room)


def test_a_guest_with_another_room_stays_for_it(
    acme: Organisation, alice: Membership, bob: Membership, room: Room, gus: Phone
) -> None:
    other = opened(bob, alice, name="Boiler 4", closes_at=clock.now() + timedelta(days=3))
    close(bob, room)
    assert person(acme, "Gus").status == MembershipStatus.ACTIVE
    assert people(other) == ["Bob", "Gus"]
    with clock.moved_by(timedelta(days=3)):
        assert sweeps.close_due_rooms() == 1
    assert person(acme, "Gus").status == MembershipStatus.ENDED


def test_a_guest_who_leaves_the_last_room_is_gone(
    acme: Organisation, room: Room, gus: Phone
) -> None:
    """Nobody ends themselves: leaving is the guest's act, and the end follows from it."""
    calls.post(gus, f"rooms/{room.id}/leave")

    assert people(room) == ["Bob"]
    assert person(acme, "Gus").status == MembershipStatus.ENDED
    with pytest.raises(ApiProblem) as refused:
        gus.api.token(renew=True)
    assert refused.value.code == "membership_ended"


def test_a_guest_who_is_to_come_to_another_room_keeps_the_invitation(
    acme: Organisation, alice: Membership, bob: Membership, room: Room
) -> None:
    other = opened(bob, alice, name="Boiler 4", guests=[guest()])
    close(bob, room)
    assert invited(acme) == ["Gus"]
    come(alice, acme)
    assert people(other) == ["Bob", "Gus"]
    assert people(room) == []


def test_a_device_that_waits_is_gone_with_the_only_room(
    acme: Organisation, alice: Membership, bob: Membership, room: Room
) -> None:
    _, device = arrived(acme)
    close(bob, room)
    assert person(acme, "Gus").status == MembershipStatus.ENDED
    assert invitation(acme).state == State.REVOKED
    with inside(acme):
        device.refresh_from_db()
    assert device.status == "revoked"


def test_a_device_that_waits_stays_for_another_room(
    acme: Organisation, alice: Membership, bob: Membership, room: Room
) -> None:
    _, device = arrived(acme)
    other = opened(bob, alice, name="Boiler 4")
    close(bob, room)
    acts.approve(alice, device)
    assert people(other) == ["Bob", "Gus"]


def test_the_threads_close_with_their_room(
    acme: Organisation, alice: Membership, bob: Membership, room: Room, gus: Phone
) -> None:
    thread = opened(bob, alice, parent_id=room.id, closes_at=clock.now() + HOUR)
    waiting = asked(bob, parent_id=room.id, closes_at=clock.now() + HOUR, name="Other")
    assert people(thread) == ["Bob", "Gus"]
    close(bob, room)
    assert people(thread) == people(waiting.room) == []
    with pytest.raises(RequestDecided, match="lapsed"):
        approved(alice, waiting)


def test_the_guests_of_a_groups_thread_leave_with_the_group(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    group = talk.group(acme, alice, bob)
    thread = opened(bob, alice, parent_id=group.id)
    come(alice, acme)
    close(alice, group)
    assert people(group) == people(thread) == []
    assert person(acme, "Gus").status == MembershipStatus.ENDED


def test_from_a_device_an_owner_is_a_person_like_others(
    alice: Membership, alice_phone: Phone, room: Room
) -> None:
    actor = Actor(kind=ActorKind.DEVICE, id=alice_phone.id, membership_id=alice.id)
    with acting(alice), acting_as(actor), pytest.raises(NotFound):
        ends.close_room(room_id=room.id, reason="Done")


def test_only_who_administers_the_room_or_all_closes_it(
    acme: Organisation, alice: Membership, bob: Membership, charlie: Membership, gus: Phone
) -> None:
    room = opened(bob, alice, cast.member(acme, "Dora"), name="Boiler 4")
    with pytest.raises(NotPermitted):
        close(person(acme, "Dora"), room)
    with pytest.raises(NotPermitted):
        close(person(acme, "Gus"), room)
    for outsider in (cast.member(acme, "Eve"), charlie):
        with pytest.raises(NotFound):
            close(outsider, room)
    close(cast.member(acme, "Ann", Role.ADMIN), room)
    assert now(room).status == RoomStatus.CLOSED


# Guests


def test_a_removed_guest_is_out_at_once_and_out_of_the_last_room_for_good(
    acme: Organisation, alice: Membership, bob: Membership, room: Room, gus: Phone
) -> None:
    other = opened(bob, alice, name="Boiler 4")
    remove(bob, other, person(acme, "Gus"))
    assert (people(room), people(other)) == (["Bob", "Gus"], ["Bob"])
    assert person(acme, "Gus").status == MembershipStatus.ACTIVE
    remove(alice, room, person(acme, "Gus"))
    assert person(acme, "Gus").status == MembershipStatus.ENDED
    assert gus.reload().status == "revoked"
    with pytest.raises(NotFound):
        remove(alice, room, person(acme, "Gus"))


def test_a_guest_removed_from_a_room_does_not_stay_longer_with_it(
    acme: Organisation, alice: Membership, bob: Membership, room: Room, gus: Phone
) -> None:
    opened(bob, alice, name="Boiler 4")
    remove(bob, room, person(acme, "Gus"))
    before = person(acme, "Gus").ends_at
    with acting(bob):
        request = requests.request_extension(
            room_id=room.id, closes_at=clock.now() + 2 * DAYS_10, reason="More"
        )
    approved(alice, request)
    assert person(acme, "Gus").ends_at == before


def test_a_member_is_not_removed_as_a_guest(
    acme: Organisation, alice: Membership, bob: Membership, room: Room
) -> None:
    with pytest.raises(NotFound):
        remove(alice, room, bob)


# The end itself


def test_nothing_is_sent_from_the_end_on_sweep_or_no_sweep(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    room = opened(bob, alice, cast.member(acme, "Dora"), closes_at=clock.now() + HOUR / 2)
    doras = cast.phone(person(acme, "Dora"))
    with clock.moved_by(HOUR / 2), pytest.raises(ApiProblem) as refused:
        bob_phone.api.send_message(room.id, talk.message([doras]))
    assert (refused.value.status, refused.value.code) == (410, "room_closed")
    assert now(room).status == RoomStatus.ACTIVE


def test_the_sweep_closes_what_is_due_and_nothing_else(
    acme: Organisation, alice: Membership, bob: Membership, room: Room, gus: Phone
) -> None:
    due = opened(bob, alice, name="Boiler 4", closes_at=clock.now() + HOUR)
    waiting = asked(bob, name="Boiler 5", closes_at=clock.now() + HOUR)
    with clock.moved_by(HOUR):
        assert sweeps.close_due_rooms() == 2
        assert sweeps.close_due_rooms() == 0

    assert (now(due).status, people(due)) == (RoomStatus.CLOSED, [])
    assert now(waiting.room).status == RoomStatus.CLOSED
    assert people(room) == ["Bob", "Gus"]
    with inside(acme):
        assert RoomRequest.objects.get(id=waiting.id).status == RequestStatus.LAPSED
        period = RoomMembership.objects.get(room=due, membership__name="Gus")
    assert period.end_reason == "The end that was set has come."


# A day ahead


def test_sponsors_and_guests_are_told_once_a_day_ahead(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone, gus: Phone
) -> None:
    alices = cast.phone(alice)
    with clock.moved_by(DAYS_10 - timedelta(hours=25)):
        assert sweeps.tell_of_ends() == 0
    with clock.moved_by(DAYS_10 - timedelta(hours=23)):
        assert sweeps.tell_of_ends() == 1
        assert sweeps.tell_of_ends() == 0

    for told in (bob_phone, gus):
        assert notices(acme, told).count(NoticeKind.MEMBERSHIP_ENDING) == 1
    assert NoticeKind.MEMBERSHIP_ENDING not in notices(acme, alices)
    mail = Mail.objects.get(template="room_ending")
    assert (mail.to, mail.context["room"]) == (bob.email, "Boiler 3")
    (event,) = events(acme, "room.end_announced")
    assert (event["data"]["guests"], event["data"]["sponsors"]) == (1, 1)


def test_after_an_extension_they_are_told_again(
    acme: Organisation, alice: Membership, bob: Membership, room: Room, gus: Phone
) -> None:
    with clock.moved_by(DAYS_10 - HOUR):
        sweeps.tell_of_ends()
    with acting(bob):
        request = requests.request_extension(
            room_id=room.id, closes_at=clock.now() + DAYS_10 + HOUR, reason="More"
        )
    approved(alice, request)
    assert now(room).told_at is None
    with clock.moved_by(DAYS_10 - HOUR):
        assert sweeps.tell_of_ends() == 1


# A party


def test_cutting_a_party_off_ends_all_of_it_at_once(
    acme: Organisation, alice: Membership, bob: Membership, room: Room, gus: Phone
) -> None:
    thread = opened(bob, alice, parent_id=room.id, closes_at=clock.now() + HOUR)
    waiting = asked(bob, name="Boiler 4")
    other = opened(bob, alice, party="Umbrella", guests=[guest("Una", "+447700901109")])
    cut_off(alice, room)

    for closed in (room, thread, waiting.room):
        assert (now(closed).status, people(closed)) == (RoomStatus.CLOSED, [])
    assert person(acme, "Gus").status == MembershipStatus.ENDED
    assert gus.reload().status == "revoked"
    assert invited(acme) == ["Una"]
    assert now(other).status == RoomStatus.ACTIVE
    with inside(acme):
        assert RoomRequest.objects.get(id=waiting.id).status == RequestStatus.WITHDRAWN
        assert Invitation.objects.get(name="Gil").state == State.REVOKED
    (event,) = events(acme, "party.cut_off")
    assert event["data"] == {
        "guests": 1,
        "invitations": 1,
        "reason": "They were breached",
        "rooms": 3,
    }


def test_only_owners_and_admins_cut_off(
    acme: Organisation, bob: Membership, charlie: Membership, room: Room
) -> None:
    with pytest.raises(NotPermitted):
        cut_off(bob, room)
    with pytest.raises(NotPermitted):
        cut_off(cast.member(acme, "Helen", Role.HELPDESK), room)
    with pytest.raises(NotFound):
        cut_off(charlie, room)
    assert now(room).status == RoomStatus.ACTIVE
