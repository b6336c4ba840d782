"""Emergency rooms: by the duty approver alone, for twelve hours unless somebody confirms it."""

from datetime import timedelta

import pytest

from messaging.models import RequestKind, RequestStatus, RoomRequest, RoomStatus
from messaging.services import requests
from messaging.tasks import ends as sweeps
from orgs.errors import OwnRequest, PolicyInvalid
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import change_role
from semafore.kernel import clock
from semafore.kernel.problems import NotPermitted
from tests import cast
from tests.cast import events, inside
from tests.invitations.onboarding.acts import acting
from tests.messaging.externals import (
    HOUR,
    approved,
    come,
    emergency,
    invitation,
    invited,
    now,
    people,
    person,
    policy,
)

DAYS_3 = timedelta(days=3)


@pytest.fixture
def ann(acme: Organisation) -> Membership:
    """On duty."""
    ann = cast.member(acme, "Ann", Role.ADMIN)
    policy(acme, emergency_rooms=True, duty_approver=ann.id)
    return ann


def test_it_is_open_at_once_for_twelve_hours(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership
) -> None:
    request = emergency(ann, bob)
    room = now(request.room)

    assert (room.status, room.emergency) == (RoomStatus.ACTIVE, True)
    assert people(room) == ["Ann", "Bob"]
    assert room.closes_at is not None
    assert timedelta(hours=11) < room.closes_at - clock.now() <= timedelta(hours=12)
    assert (request.kind, request.status) == (RequestKind.CONFIRMATION, RequestStatus.PENDING)
    assert invited(acme) == ["Gus"]
    come(alice, acme)
    assert people(room) == ["Ann", "Bob", "Gus"]
    assert person(acme, "Gus").ends_at == room.closes_at
    assert len(events(acme, "room.emergency_opened")) == 1


def test_confirmed_it_lasts_until_the_end_that_was_asked_for(
    acme: Organisation, alice: Membership, ann: Membership
) -> None:
    request = emergency(ann)
    with pytest.raises(OwnRequest):
        approved(ann, request)
    approved(alice, request)

    assert now(request.room).closes_at == request.closes_at
    assert not now(request.room).emergency
    assert invitation(acme).membership_ends_at == request.closes_at
    with clock.moved_by(timedelta(hours=13)):
        assert sweeps.close_due_rooms() == 0


@pytest.mark.parametrize("denied", [False, True])
def test_not_confirmed_it_closes_by_itself(
    acme: Organisation, alice: Membership, ann: Membership, denied: bool
) -> None:
    request = emergency(ann)
    if denied:
        with acting(alice):
            requests.deny_request(request_id=request.id, reason="No breach")
    with clock.moved_by(timedelta(hours=12)):
        assert sweeps.close_due_rooms() == 1
    assert now(request.room).status == RoomStatus.CLOSED
    with inside(acme):
        status = RoomRequest.objects.get(id=request.id).status
    assert status == (RequestStatus.DENIED if denied else RequestStatus.LAPSED)


def test_an_end_that_comes_sooner_is_kept(acme: Organisation, ann: Membership) -> None:
    request = emergency(ann, closes_at=clock.now() + HOUR)
    assert now(request.room).closes_at == request.closes_at


def test_nobody_but_the_duty_approver_opens_one(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership
) -> None:
    for somebody in (alice, bob):
        with pytest.raises(NotPermitted, match="duty approver"):
            emergency(somebody)


def test_who_lost_the_role_is_no_duty_approver(
    acme: Organisation, alice: Membership, ann: Membership
) -> None:
    with inside(acme):
        change_role(membership_id=ann.id, role=Role.HELPDESK)
    with pytest.raises(NotPermitted, match="duty approver"):
        emergency(ann)


def test_the_policy_may_have_none(acme: Organisation, ann: Membership) -> None:
    policy(acme, emergency_rooms=False)
    with pytest.raises(NotPermitted, match="no emergency rooms"):
        emergency(ann)


def test_the_duty_approver_is_an_owner_or_an_admin_of_the_same_organisation(
    acme: Organisation, bob: Membership, charlie: Membership, ann: Membership
) -> None:
    for somebody in (bob, charlie):
        with pytest.raises(PolicyInvalid, match="duty approver"):
            policy(acme, duty_approver=somebody.id)
    assert policy(acme, duty_approver="").duty_approver_id is None
    changed = [one["data"] for one in events(acme, "policy.changed")][-1]
    assert changed == {
        "before": {"duty_approver": str(ann.id)},
        "after": {"duty_approver": None},
    }
