"""The decision: once, by somebody else, for what was promised."""

from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from pytest_django import Settings

from invitations.errors import InvitationTransition, SponsorNotActive
from invitations.models import Invitation, Onboarding, Purpose, State
from invitations.services import approvals, notices
from invitations.services.approvals import Decision
from keys.errors import DeviceTransition
from keys.models import Comparison, Device, DeviceStatus
from orgs.errors import MembershipTransition, OwnRequest
from orgs.models import ExternalParty, Membership, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock, hooks
from semafore.kernel.problems import Invalid, NotFound
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.invitations.onboarding import acts

pytestmark = pytest.mark.django_db


def test_the_second_decision_says_who_made_the_first(acme: Organisation, alice: Membership) -> None:
    _, row = acts.register(acts.invite(acme))
    acts.approve(alice, row)
    with pytest.raises(DeviceTransition, match=r"^Alice approved this device on \d+ \w+ 20\d\d at"):
        acts.approve(alice, row)
    with acts.acting(alice), pytest.raises(DeviceTransition, match=r"^Alice approved"):
        approvals.deny(device_id=row.id, reason="No.")


def test_somebody_elses_device_is_not_found(acme: Organisation, charlie: Membership) -> None:
    _, row = acts.register(acts.invite(acme))
    with pytest.raises(NotFound):
        acts.approve(charlie, row)
    with acts.acting(charlie), pytest.raises(NotFound):
        approvals.deny(device_id=row.id, reason="No.")


def test_nobody_approves_themselves(acme: Organisation, alice: Membership) -> None:
    invitation = acts.invite(
        acme, phone=alice.phone, purpose=Purpose.DEVICE, membership=alice, name="Alice"
    )
    _, row = acts.register(invitation)
    with pytest.raises(OwnRequest):
        acts.approve(alice, row)
    with acts.acting(alice), pytest.raises(OwnRequest):
        approvals.deny(device_id=row.id, reason="No.")
    other = cast.member(acme, "Erin", Role.ADMIN)
    acts.approve(other, row)


def test_a_denied_replacement_leaves_the_member_in_place(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    invitation = acts.invite(acme, phone=bob.phone, purpose=Purpose.DEVICE, membership=bob)
    _, row = acts.register(invitation)
    with acts.acting(alice):
        approvals.deny(device_id=row.id, reason="No.")
    assert acts.device_of(acme, {"device_id": row.id}).membership.status == "active"


def test_what_was_revoked_meanwhile_is_not_approved(acme: Organisation, alice: Membership) -> None:
    invitation = acts.invite(acme)
    _, row = acts.register(invitation)
    with acts.in_organisation(acme.id):
        Invitation.objects.filter(id=invitation.id).update(state=State.REVOKED)
    with pytest.raises(InvitationTransition):
        acts.approve(alice, row)
    assert acts.device_of(acme, {"device_id": row.id}).status == DeviceStatus.PENDING


def test_a_batch_decides_each_alone(
    acme: Organisation, alice: Membership, charlie_phone: cast.Phone
) -> None:
    good = [acts.register(acts.invite(acme, phone=f"+44770090110{n}"))[1] for n in range(3)]
    with acts.in_organisation(acme.id):
        Invitation.objects.filter(phone="+447700901101").update(state=State.REVOKED)
    ids = [*(row.id for row in good), charlie_phone.id]
    with acts.acting(alice):
        outcomes = approvals.approve_many(
            decisions=[Decision(device_id, Comparison.CALL) for device_id in ids]
        )
        with pytest.raises(Invalid):
            approvals.approve_many(decisions=[Decision(ids[0], Comparison.CALL)] * 101)
    kinds = [type(outcome) for outcome in outcomes.values()]
    assert kinds == [Device, InvitationTransition, Device, NotFound]


@pytest.fixture
def guest(acme: Organisation, bob: Membership) -> Invitation:
    """Gus of Initech, whom Bob sponsors."""
    with organisation_scope(acme.id):
        party = ExternalParty.objects.create(organisation=acme, name="Initech")
    return acts.invite(
        acme,
        name="Gus",
        purpose=Purpose.GUEST,
        sponsor=bob,
        party=party,
        room_id=party.id,
        membership_ends_at=clock.now() + timedelta(days=30),
    )


def test_a_guest_keeps_party_room_and_end(
    acme: Organisation, alice: Membership, bob: Membership, guest: Invitation
) -> None:
    admitted: list[hooks.GuestAdmitted] = []
    handlers, hooks.guest_admitted._handlers = hooks.guest_admitted._handlers, [admitted.append]
    try:
        _, row = acts.register(guest)
        acts.approve(alice, row)
    finally:
        hooks.guest_admitted._handlers = handlers
    member = acts.device_of(acme, {"device_id": row.id}).membership
    assert admitted == [hooks.GuestAdmitted(member.id, guest.room_id)]
    assert (member.kind, member.role, member.status) == ("guest", "member", "active")
    assert (member.sponsor_id, member.party_id) == (bob.id, guest.party_id)
    assert member.ends_at == guest.membership_ends_at


def test_a_guest_without_an_active_sponsor_stays_out(
    acme: Organisation, alice: Membership, bob: Membership, guest: Invitation
) -> None:
    _, row = acts.register(guest)
    with acts.acting(alice):
        suspend_membership(membership_id=bob.id, reason="Inquiry.")
    with pytest.raises(SponsorNotActive, match="Bob, who sponsors this guest, is suspended"):
        acts.approve(alice, row)


def test_a_membership_whose_end_has_passed_is_not_begun(
    acme: Organisation, alice: Membership, guest: Invitation
) -> None:
    _, row = acts.register(guest)
    with clock.moved_by(timedelta(days=31)), pytest.raises(MembershipTransition):
        acts.approve(alice, row)


def test_approvers_are_told_and_reminded_once(
    acme: Organisation, alice: Membership, bob: Membership, settings: Settings
) -> None:
    helpdesk = cast.member(acme, "Hal", Role.HELPDESK)
    cast.member(acme, "Ola", Role.AUDITOR)
    acts.register(acts.invite(acme))
    tell = partial(_tell, acme)
    assert [sent.to for sent in tell()] == [[alice.email], [helpdesk.email]]
    text = str(mail.outbox[0].body)
    assert f"{settings.BASE_URL}/console/{acme.slug}/approvals\n" in text
    assert "One request waits" in text
    assert "Dana" not in text
    assert acts.DANAS not in text
    assert tell() == []
    with clock.moved_by(timedelta(hours=25)):
        assert len(tell()) == 2
        assert tell() == []
    with clock.moved_by(timedelta(hours=60)):
        assert tell() == []
    assert [what["data"] for what in cast.events(acme, "approvers.told")] == [
        {"waiting": 1, "recipients": 2, "reminder": False},
        {"waiting": 1, "recipients": 2, "reminder": True},
    ]


def _tell(of: Organisation) -> list[mail.EmailMessage]:
    mail.outbox.clear()
    with acts.in_organisation(of.id):
        notices.tell_approvers()
    return list(mail.outbox)


def test_a_mail_that_is_not_taken_is_tried_again(
    acme: Organisation, alice: Membership, settings: Settings
) -> None:
    acts.register(acts.invite(acme))
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    assert _tell(acme) == []
    with organisation_scope(acme.id):
        assert Onboarding.objects.get().told_at is None
    settings.EMAIL_BACKEND = working
    assert len(_tell(acme)) == 1
