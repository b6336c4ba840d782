"""Who may invite whom as what (product.md, section 3)."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invitations.errors import InvitationOpen, InvitationTerms, MemberHasDevice
from invitations.models import Channel, Delivery, Invitation, Purpose, State
from invitations.services.issuing import (
    issue_founding_invitation,
    issue_invitation,
    issue_invitations,
)
from invitations.services.tokens import find_invitation, invitation_token
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from orgs.errors import AlreadyMember, PhoneInvalid
from orgs.models import ExternalParty, Membership, Organisation, Role
from orgs.services.accounts import create_account
from orgs.services.memberships import end_membership, suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.at_once import at_once
from tests.invitations.acts import as_member, console_draft, draft, issue, now, within

IN_A_MONTH = timedelta(days=30)


def guest(sponsor: Membership, **further: Any) -> dict[str, Any]:
    return {
        "purpose": Purpose.GUEST,
        "party": "Initech",
        "sponsor_id": sponsor.id,
        "membership_ends_at": clock.now() + IN_A_MONTH,
        **further,
    }


def invited(of: Organisation) -> int:
    with organisation_scope(of.id):
        return Invitation.objects.count()


def test_an_invitation_is_issued_and_recorded(acme: Organisation, alice: Membership) -> None:
    dan = issue(acme, actor=as_member(alice), phone="+44 7922 300 999", unit="Theatre")

    assert (dan.phone, dan.state, dan.channel) == ("+447922300999", State.ISSUED, Channel.SMS)
    assert dan.issued_by_id == alice.id
    assert dan.expires_at - dan.issued_at == pytest.approx(timedelta(days=7), abs=timedelta(1))
    assert now(dan).delivery == Delivery.QUEUED
    (what,) = cast.events(acme, "invitation.issued")
    assert what["data"]["purpose"] == "member"
    assert what["data"]["unit"] == "Theatre"


def test_what_is_given_by_hand_is_not_queued(acme: Organisation) -> None:
    assert now(issue(acme, channel=Channel.HAND)).delivery == Delivery.NONE


@pytest.mark.parametrize("days", [0, 31, -1])
def test_it_is_valid_for_1_to_30_days(acme: Organisation, days: int) -> None:
    with pytest.raises(InvitationTerms, match="1 to 30"):
        issue(acme, valid_days=days)
    assert issue(acme, valid_days=1).expires_at < issue(acme, valid_days=30).expires_at


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.HELPDESK, Role.AUDITOR])
def test_nobody_hands_out_a_role_that_they_may_not_give(
    acme: Organisation, alice: Membership, role: Role
) -> None:
    for issuer in (cast.member(acme, "Ann", Role.ADMIN), cast.member(acme, "Hal", Role.HELPDESK)):
        with pytest.raises(NotPermitted):
            issue(acme, actor=as_member(issuer), role=role)
        assert issue(acme, actor=as_member(issuer)).role == Role.MEMBER
    assert issue(acme, actor=as_member(alice), role=role).role == role


def test_who_may_not_invite_does_not(
    acme: Organisation, bob: Membership, charlie: Membership
) -> None:
    auditor = cast.member(acme, "Aud", Role.AUDITOR)
    suspended = cast.member(acme, "Sue", Role.ADMIN)
    within(acme, suspend_membership, membership_id=suspended.id, reason="inquiry")
    for person in (bob, charlie, auditor, suspended):
        with pytest.raises(NotPermitted):
            issue(acme, actor=as_member(person))
    assert invited(acme) == 0


def test_who_belongs_here_is_not_invited(acme: Organisation, bob: Membership) -> None:
    with pytest.raises(AlreadyMember):
        issue(acme, phone=bob.phone)
    with pytest.raises(AlreadyMember):
        issue(acme, wanted=console_draft(email=bob.email.upper()))
    within(acme, end_membership, membership_id=bob.id, reason="left")
    assert issue(acme, phone=bob.phone).state == State.ISSUED


def test_one_open_invitation_a_person(acme: Organisation, globex: Organisation) -> None:
    issue(acme, phone="+447922300999")
    issue(acme, wanted=console_draft())
    with pytest.raises(InvitationOpen):
        issue(acme, phone="+44 7922 300 999")
    with pytest.raises(InvitationOpen):
        issue(acme, wanted=console_draft("Dan@example.org"))
    assert issue(globex, phone="+447922300999").state == State.ISSUED


def test_one_whose_time_is_over_makes_way(acme: Organisation) -> None:
    first = issue(acme, phone="+447922300999", valid_days=1)
    with clock.moved_by(timedelta(days=1, minutes=1)):
        second = issue(acme, phone="+447922300999")

    assert (now(first).state, second.state) == (State.EXPIRED, State.ISSUED)
    assert len(cast.events(acme, "invitation.expired")) == 1


def test_the_issuer_learns_nothing_of_accounts_elsewhere(
    acme: Organisation, charlie: Membership
) -> None:
    """Charlie has an account and belongs to Globex; Dora is nobody. The statements are the same."""

    def seen(phone: str, email: str) -> tuple[list[str], list[Any]]:
        sent: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
            sent.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            issued = (issue(acme, phone=phone), issue(acme, wanted=console_draft(email=email)))
        shown = [(one.state, one.delivery, one.membership_id) for one in map(now, issued)]
        return [re.sub(r'"s\d+_x\d+"', "a savepoint", sql) for sql in sent], shown

    known = seen(charlie.phone, charlie.email)
    assert known == seen("+447922300998", "dora@example.org")
    assert len(known[0]) > 10


def test_a_national_number_is_refused(acme: Organisation) -> None:
    with pytest.raises(PhoneInvalid):
        issue(acme, phone="07922 300999")


def test_email_needs_an_address(acme: Organisation) -> None:
    with pytest.raises(InvitationTerms, match="email"):
        issue(acme, channel=Channel.EMAIL)
    with pytest.raises(InvitationTerms, match="email"):
        issue(acme, wanted=console_draft(email="nobody"))


# Guests


def test_a_guest_has_a_party_a_sponsor_and_an_end(acme: Organisation, bob: Membership) -> None:
    gus = issue(acme, **guest(bob, party="  Initech \n Ltd", room_id=(room := uuid4())))
    again = issue(acme, **guest(bob, party="INITECH ltd"))

    assert gus.party is not None
    assert gus.party.name == "Initech Ltd"
    assert again.party_id == gus.party_id
    assert (gus.sponsor_id, gus.room_id, gus.role) == (bob.id, room, Role.MEMBER)
    assert len(cast.events(acme, "party.created")) == 1


def test_a_guest_that_is_not_whole_is_refused(
    acme: Organisation, alice: Membership, bob: Membership, charlie: Membership
) -> None:
    suspended = cast.member(acme, "Sue")
    within(acme, suspend_membership, membership_id=suspended.id, reason="inquiry")
    wrong: list[dict[str, Any]] = [
        {"party": " "},
        {"sponsor_id": None},
        {"sponsor_id": uuid4()},
        {"sponsor_id": charlie.id},
        {"sponsor_id": suspended.id},
        {"membership_ends_at": None},
        {"membership_ends_at": clock.now() - timedelta(minutes=1)},
        {"membership_ends_at": clock.now() + timedelta(days=91)},
        {"role": Role.ADMIN},
    ]
    for terms in wrong:
        with pytest.raises(InvitationTerms):
            issue(acme, actor=as_member(alice), **guest(bob, **terms))
    assert invited(acme) == 0
    with organisation_scope(acme.id):
        assert not ExternalParty.objects.exists()


def test_another_organisations_party_is_not_found(
    acme: Organisation, globex: Organisation, bob: Membership, charlie: Membership
) -> None:
    theirs = issue(globex, **guest(charlie))
    ours = issue(acme, **guest(bob))

    assert theirs.party_id != ours.party_id


# Devices


def test_a_replacement_is_for_members_without_a_device(
    acme: Organisation, bob: Membership, bob_phone: cast.Phone, charlie: Membership
) -> None:
    wanted: dict[str, Any] = {"purpose": Purpose.DEVICE, "membership_id": bob.id}
    with pytest.raises(MemberHasDevice):
        issue(acme, **wanted)
    within(acme, revoke_device, device_id=bob_phone.id, reason=RevocationReason.LOST)
    pending = cast.phone(bob, approved=False)
    with pytest.raises(MemberHasDevice):
        issue(acme, **wanted)
    within(acme, revoke_device, device_id=pending.id, reason=RevocationReason.LOST)

    replacement = issue(acme, **wanted)
    assert (replacement.name, replacement.phone) == (bob.name, bob.phone)
    assert replacement.membership_id == bob.id
    for nobody in (charlie.id, uuid4(), None):
        with pytest.raises(NotFound):
            issue(acme, purpose=Purpose.DEVICE, membership_id=nobody)


def test_no_replacement_for_who_is_suspended(acme: Organisation, bob: Membership) -> None:
    within(acme, suspend_membership, membership_id=bob.id, reason="inquiry")
    with pytest.raises(NotFound):
        issue(acme, purpose=Purpose.DEVICE, membership_id=bob.id)


# Founding


def test_the_operator_invites_an_owner(acme: Organisation) -> None:
    with acting_as(SYSTEM):
        founding = issue_founding_invitation(organisation=acme, email="Fay@Example.org", name="Fay")

    assert (founding.purpose, founding.role) == (Purpose.FOUNDING, Role.OWNER)
    assert (founding.email, founding.channel) == ("fay@example.org", Channel.EMAIL)


# Many


def test_all_or_none_and_once(acme: Organisation, bob: Membership) -> None:
    drafts = [draft(), draft(), draft(phone=bob.phone)]
    with pytest.raises(AlreadyMember, match=r"Dan is a member already \(\+44"):
        within(acme, issue_invitations, drafts=drafts)
    assert invited(acme) == 0
    first = within(acme, issue_invitations, drafts=drafts[:2])
    again = within(acme, issue_invitations, drafts=drafts[:2])

    assert {one.id for one in again} == {one.id for one in first}
    assert len(cast.events(acme, "invitation.issued")) == 2


def test_the_same_phone_twice_in_a_list(acme: Organisation) -> None:
    twice = [draft(phone="+447922300999"), draft(phone="+44 7922 300 999")]
    with pytest.raises(InvitationOpen):
        within(acme, issue_invitations, drafts=twice)


def test_many_cost_as_many_statements_as_few(acme: Organisation) -> None:
    counts = []
    for number in (2, 60):
        with CaptureQueriesContext(connection) as queries:
            within(acme, issue_invitations, drafts=[draft() for _ in range(number)])
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 12


def test_two_at_once_for_the_same_phone(committed: None) -> None:
    acme = cast.organisation("Acme")

    def act() -> Any:
        return within(acme, issue_invitation, draft=draft(phone="+447922300999"))

    results = at_once(*[act] * 6)

    refused = [one for one in results if isinstance(one, InvitationOpen)]
    assert len(refused) == 5, results
    assert invited(acme) == 1


# Tokens


def test_a_token_opens_its_own_invitation_alone(acme: Organisation) -> None:
    one, two = issue(acme), issue(acme)

    assert find_invitation(invitation_token(one)) == one
    assert invitation_token(one) != invitation_token(two)
    assert len(invitation_token(one)) == 43


def test_an_account_elsewhere_is_no_obstacle(acme: Organisation) -> None:
    with acting_as(SYSTEM):
        create_account(email="dan@example.org")
    assert issue(acme, wanted=console_draft()).state == State.ISSUED
