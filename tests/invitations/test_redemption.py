"""Console and founding invitations, accepted by whoever reads the mail."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from invitations.errors import (
    AccountExists,
    AnotherAccount,
    InvitationExpired,
    InvitationRevoked,
    InvitationUnknown,
    InvitationUsed,
)
from invitations.models import Invitation, Purpose, State
from invitations.services import changes
from invitations.services.redemption import redeem_as, redeem_with_new_account
from orgs.models import Account, Membership, MembershipStatus, Organisation, Role
from orgs.selectors.seats import find_seat
from orgs.services.accounts import create_account
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import Problem
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.at_once import at_once
from tests.invitations.acts import console_draft, draft, issue, now, within

PASSWORD = "korrekt-pferd-batterie"


def redeem(invitation: Invitation, name: str = "Daniel") -> Membership:
    membership: Membership = within(
        invitation,
        redeem_with_new_account,
        invitation_id=invitation.id,
        name=name,
        password=PASSWORD,
    )
    return membership


def members(of: Organisation) -> int:
    with organisation_scope(of.id):
        return Membership.objects.count()


def test_it_gives_an_account_and_a_seat_at_once(acme: Organisation) -> None:
    ends_at = clock.now() + timedelta(days=5)
    dan = issue(acme, wanted=console_draft(unit="Audit", membership_ends_at=ends_at))
    membership = redeem(dan)
    account = Account.objects.get(email="dan@example.org")

    assert account.check_password(PASSWORD)
    assert (membership.name, membership.email) == ("Daniel", "dan@example.org")
    assert (membership.role, membership.unit) == (Role.AUDITOR, "Audit")
    assert (membership.status, membership.ends_at) == (MembershipStatus.ACTIVE, ends_at)
    seat = find_seat(account, acme.slug)
    assert seat is not None
    assert (now(dan).state, now(dan).membership_id) == (State.ACCEPTED, membership.id)
    (what,) = cast.events(acme, "invitation.accepted")
    assert what["data"] == {
        "purpose": "console",
        "membership_id": str(membership.id),
        "same_person": False,
    }


def test_founding_makes_an_owner(acme: Organisation) -> None:
    founding = issue(
        acme,
        wanted=draft(purpose=Purpose.FOUNDING, phone="", email="fay@example.org", role=Role.OWNER),
    )
    assert redeem(founding).role == Role.OWNER


def test_a_replay_changes_nothing(acme: Organisation) -> None:
    dan = issue(acme, wanted=console_draft())
    redeem(dan)
    with pytest.raises(InvitationUsed):
        redeem(dan, "Somebody else")
    account = Account.objects.get(email="dan@example.org")
    with pytest.raises(InvitationUsed):
        within(dan, redeem_as, invitation_id=dan.id, name="Dan", account=account)
    assert members(acme) == 1


def test_who_has_an_account_signs_in_for_it(acme: Organisation, charlie: Membership) -> None:
    other = issue(acme, wanted=console_draft(email=charlie.email))
    with pytest.raises(AccountExists):
        redeem(other)
    with acting_as(SYSTEM):
        stranger = create_account(email="eve@example.org")
    with pytest.raises(AnotherAccount):
        within(other, redeem_as, invitation_id=other.id, name="Eve", account=stranger)
    with acting_as(SYSTEM):
        by_phone = create_account(phone="+447922300999")
    with pytest.raises(AnotherAccount):
        within(other, redeem_as, invitation_id=other.id, name="Eve", account=by_phone)
    joined = within(
        other, redeem_as, invitation_id=other.id, name="Charlie", account=charlie.account
    )

    assert joined.account_id == charlie.account_id
    assert joined.organisation_id == acme.id


def test_one_for_a_phone_is_not_redeemed_so(acme: Organisation) -> None:
    dan = issue(acme, email="dan@example.org")
    with pytest.raises(InvitationUnknown):
        redeem(dan)


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("revoke", "withdrawn"),
        ("decline", "declined"),
        ("expire", "expired"),
    ],
)
def test_what_has_ended_says_so(acme: Organisation, end: str, says: str) -> None:
    dan = issue(acme, wanted=console_draft())
    later = timedelta(days=8) if end == "expire" else timedelta(0)
    if end != "expire":
        within(acme, getattr(changes, end), invitation_id=dan.id, reason="x")
    with (
        clock.moved_by(later),
        pytest.raises((InvitationRevoked, InvitationExpired), match=says),
    ):
        redeem(dan)
    assert not Account.objects.filter(email="dan@example.org").exists()


def test_two_redemptions_at_once_give_one_membership(committed: None) -> None:
    acme = cast.organisation("Acme")
    dan = issue(acme, wanted=console_draft())
    results = at_once(*[lambda: redeem(dan)] * 4)

    refused = [one for one in results if isinstance(one, InvitationUsed)]
    assert len(refused) == 3, results
    assert members(acme) == 1
    assert Account.objects.count() == 1


def test_two_organisations_at_once_give_one_account(committed: None) -> None:
    """Each creates the account that the other doesn't see yet: one wins, the other signs in."""
    both = [cast.organisation("Acme"), cast.organisation("Globex")]
    invitations = [issue(one, wanted=console_draft()) for one in both]
    results = at_once(*[partial(redeem, one) for one in invitations])

    lost = [one for one in results if isinstance(one, Exception)]
    assert [type(one) for one in lost] in ([AccountExists], []), results
    assert Account.objects.count() == 1
    assert sum(members(one) for one in both) == 1


def test_revoked_while_it_is_redeemed(committed: None) -> None:
    for number in range(4):
        acme = cast.organisation("Acme")
        dan = issue(acme, wanted=console_draft(email=f"dan{number}@example.org"))

        def withdraw(dan: Invitation = dan) -> Any:
            return within(dan, changes.revoke, invitation_id=dan.id, reason="x")

        results = at_once(partial(redeem, dan), withdraw)

        lost = [one for one in results if isinstance(one, Problem)]
        assert len(lost) == 1, results
        assert members(acme) == (1 if now(dan).state == State.ACCEPTED else 0)
