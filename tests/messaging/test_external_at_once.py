"""Decisions at once, on connections of their own: one counts, and nothing is done twice."""

from collections import Counter
from functools import partial

import pytest

from invitations.models import Invitation
from messaging.errors import RequestDecided, RequestPending
from messaging.models import RequestStatus, Room, RoomRequest, RoomStatus
from messaging.services import ends, requests
from messaging.tasks import ends as sweeps
from orgs.models import Membership, MembershipStatus, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.at_once import at_once
from tests.cast import inside
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import acting
from tests.messaging.externals import (
    HOUR,
    approved,
    arrived,
    asked,
    extension_of,
    now,
    opened,
    people,
    person,
    policy,
)

pytestmark = pytest.mark.usefixtures("committed")


def admins(of: Organisation, number: int = 2) -> list[Membership]:
    return [cast.member(of, f"Admin {count}", Role.ADMIN) for count in range(number)]


def deny(by: Membership, request: RoomRequest) -> RoomRequest:
    with acting(by):
        return requests.deny_request(request_id=request.id, reason="No")


def invitations(of: Organisation) -> int:
    with inside(of):
        return Invitation.objects.count()


def test_two_approvers_at_once_one_carries_it_out() -> None:
    acme = cast.organisation("Acme")
    ann, ben = admins(acme)
    request = asked(cast.member(acme, "Bob"))
    results = at_once(partial(approved, ann, request), partial(approved, ben, request))

    lost = [one for one in results if isinstance(one, RequestDecided)]
    assert len(lost) == 1
    winner = (ann, ben)[1 - results.index(lost[0])]
    assert lost[0].detail.startswith(f"{winner.name} approved this request on ")
    assert invitations(acme) == 1


def test_two_that_are_needed_at_once_are_both_counted() -> None:
    acme = cast.organisation("Acme")
    policy(acme, external_room_approvers=2)
    ann, ben = admins(acme)
    request = asked(cast.member(acme, "Bob"))
    results = at_once(
        *[partial(approved, one, request) for one in (ann, ann, ben, ben)],
    )
    assert Counter(type(one).__name__ for one in results)["RoomRequest"] == 2
    assert now(request.room).status == RoomStatus.ACTIVE
    assert len(cast.events(acme, "room.approved")) == 2
    assert invitations(acme) == 1


def test_approving_and_denying_at_once_is_one_of_them() -> None:
    for _ in range(3):
        acme = cast.organisation("Acme")
        ann, ben = admins(acme)
        request = asked(cast.member(acme, "Bob"))
        results = at_once(partial(approved, ann, request), partial(deny, ben, request))
        assert [type(one) for one in results].count(RequestDecided) == 1
        opened_it = isinstance(results[0], RoomRequest)
        assert now(request.room).status == (RoomStatus.ACTIVE if opened_it else RoomStatus.DENIED)
        assert invitations(acme) == (1 if opened_it else 0)


def test_approving_while_the_party_is_cut_off_leaves_nothing_open() -> None:
    for _ in range(3):
        acme = cast.organisation("Acme")
        ann, ben = admins(acme)
        request = asked(cast.member(acme, "Bob"))

        def cut(by: Membership = ben, request: RoomRequest = request) -> None:
            assert request.room.party_id is not None
            with acting(by):
                ends.cut_off_party(party_id=request.room.party_id, reason="Breach")

        results = at_once(partial(approved, ann, request), cut)
        assert results[1] is None
        assert isinstance(results[0], RoomRequest | RequestDecided)
        assert (now(request.room).status, people(request.room)) == (RoomStatus.CLOSED, [])
        with inside(acme):
            assert not Invitation.objects.exclude(state="revoked").exists()


def test_a_guest_let_in_while_the_room_closes_is_in_no_room_and_has_left() -> None:
    for _ in range(3):
        acme = cast.organisation("Acme")
        ann, ben = admins(acme)
        bob = cast.member(acme, "Bob")
        room = opened(bob, ann)
        _, device = arrived(acme)

        def close(by: Membership = bob, room: Room = room) -> None:
            with acting(by):
                ends.close_room(room_id=room.id, reason="Done")

        at_once(partial(acts.approve, ben, device), close)
        assert people(room) == []
        assert person(acme, "Gus").status == MembershipStatus.ENDED


def test_the_sweep_and_an_extension_at_once_agree() -> None:
    for _ in range(3):
        acme = cast.organisation("Acme")
        ann, _ = admins(acme)
        bob = cast.member(acme, "Bob")
        room = opened(bob, ann, closes_at=clock.now() + HOUR)
        request = extension_of(bob, room)
        with clock.moved_by(HOUR):
            at_once(partial(approved, ann, request), sweeps.close_due_rooms)
        with inside(acme):
            request.refresh_from_db()
        assert now(room).status == RoomStatus.CLOSED
        assert request.status == RequestStatus.LAPSED


def test_one_request_of_a_kind_however_many_ask_at_once() -> None:
    acme = cast.organisation("Acme")
    ann, _ = admins(acme)
    bob = cast.member(acme, "Bob")
    room = opened(bob, ann)
    results = at_once(*[partial(extension_of, bob, room)] * 4)
    assert Counter(map(type, results)) == {RoomRequest: 1, RequestPending: 3}


def test_the_end_is_told_of_once_however_many_workers() -> None:
    acme = cast.organisation("Acme")
    ann, _ = admins(acme)
    opened(cast.member(acme, "Bob"), ann, closes_at=clock.now() + HOUR)
    at_once(*[sweeps.tell_of_ends] * 4)
    assert len(cast.events(acme, "room.end_announced")) == 1
