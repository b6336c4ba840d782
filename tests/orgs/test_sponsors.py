"""Who answers for guests."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from orgs.errors import SponsorInvalid
from orgs.models import Membership, MembershipKind, MembershipStatus, Organisation
from orgs.selectors.leavers import guests_without_sponsor
from orgs.services.accounts import create_account
from orgs.services.memberships import (
    admit_member,
    end_membership,
    lift_suspension,
    suspend_membership,
)
from orgs.services.sponsors import take_over_guests
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from tests import cast
from tests.cast import events, inside


def guest(of: Organisation, sponsor: Membership, name: str = "Gus") -> Membership:
    with inside(of):
        return admit_member(
            account=create_account(),
            name=name,
            kind=MembershipKind.GUEST,
            status=MembershipStatus.ACTIVE,
            sponsor=sponsor,
            ends_at=clock.now() + timedelta(days=9),
        )


def sponsorless(of: Organisation) -> list[str]:
    with inside(of):
        return [one.name for one in guests_without_sponsor()]


def take_over(
    of: Organisation, guests: Sequence[Membership], sponsor: Membership
) -> list[Membership]:
    with inside(of):
        return take_over_guests(membership_ids=[one.id for one in guests], sponsor_id=sponsor.id)


def test_a_guest_whose_sponsor_is_gone_or_suspended_is_found(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    carol = cast.member(acme, "Carol")
    guest(acme, bob, "Gus")
    guest(acme, carol, "Gil")
    assert sponsorless(acme) == []
    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="Holiday")
        end_membership(membership_id=carol.id, reason="Left")
    assert sponsorless(acme) == ["Gil", "Gus"]
    with inside(acme):
        lift_suspension(membership_id=bob.id, reason="Back")
    assert sponsorless(acme) == ["Gil"]


def test_a_sponsor_whose_end_has_come_answers_for_nobody(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    guest(acme, bob)
    with inside(acme):
        Membership.objects.filter(id=bob.id).update(ends_at=clock.now())
    assert sponsorless(acme) == ["Gus"]


def test_guests_are_taken_over_once(acme: Organisation, alice: Membership, bob: Membership) -> None:
    gus, gil = guest(acme, bob), guest(acme, bob, "Gil")
    assert [one.name for one in take_over(acme, [gus, gil], alice)] == ["Gil", "Gus"]
    assert take_over(acme, [gus, gil], alice) == []
    assert [one["data"] for one in events(acme, "guest.sponsor_changed")] == [
        {"before": str(bob.id), "after": str(alice.id)}
    ] * 2


def test_all_or_none(
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    bob: Membership,
    charlie: Membership,
) -> None:
    gus, theirs = guest(acme, bob), guest(globex, charlie)
    for other in (bob, theirs):
        with pytest.raises(NotFound):
            take_over(acme, [gus, other], alice)
    for nobody in (gus, charlie):
        with pytest.raises(SponsorInvalid):
            take_over(acme, [gus], nobody)
    with inside(acme):
        assert Membership.objects.get(id=gus.id).sponsor_id == bob.id
