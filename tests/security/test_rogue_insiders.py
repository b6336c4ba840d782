"""What people with a role could do beyond it: each of these was possible once."""

from typing import Any

import pytest

from invitations.errors import InvitationRevoked
from invitations.models import Invitation, Purpose, State
from invitations.services.approvals import deny
from invitations.services.redemption import redeem_with_new_account
from keys.models import DeviceStatus, RevocationReason
from keys.services.revocation import revoke_device
from orgs.errors import MembershipTransition, RoleAbove
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.factor_resets import approve_factor_reset, request_factor_reset
from orgs.services.memberships import (
    change_role,
    end_membership,
    lift_suspension,
    suspend_membership,
)
from semafore.kernel.problems import NotPermitted
from tests import cast
from tests.invitations.acts import as_member, draft, issue, now, within
from tests.invitations.onboarding import acts

pytestmark = pytest.mark.django_db
REASON = {"reason": "because"}


@pytest.fixture(autouse=True)
def outbox(settings: Any, tmp_path: Any) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


@pytest.fixture
def hal(acme: Organisation) -> Membership:
    """The helpdesk."""
    return cast.member(acme, "Hal", Role.HELPDESK)


@pytest.fixture
def adam(acme: Organisation) -> Membership:
    """An administrator."""
    return cast.member(acme, "Adam", Role.ADMIN)


def address(person: Membership, page: str) -> str:
    return f"/console/{person.organisation.slug}/{page}"


@pytest.mark.parametrize("page", ["invitations/new?purpose=console", "invitations/bulk"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stolen_session_invites_no_owner(alice: Membership, page: str, method: str) -> None:
    thief = cast.signed_in(alice, proven=False)
    typed = {"name": "Eve", "email": "eve@evil.example", "role": "owner", "valid_days": "7"}
    arguments = [typed] if method == "post" else []
    answer = getattr(thief, method)(address(alice, page), *arguments)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/console/step-up?next=")
    with acts.acting(alice):
        assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "departs",
    [
        lambda eve: end_membership(membership_id=eve.id, reason="fired"),
        lambda eve: suspend_membership(membership_id=eve.id, reason="inquiry"),
        lambda eve: change_role(membership_id=eve.id, role=Role.MEMBER),
    ],
)
def test_who_lost_the_right_leaves_no_door_open(
    acme: Organisation, alice: Membership, departs: Any
) -> None:
    eve = cast.member(acme, "Eve", Role.OWNER)
    wanted = draft(purpose=Purpose.CONSOLE, phone="", email="eve@evil.example", role=Role.OWNER)
    left = issue(acme, actor=as_member(eve), wanted=wanted)
    with acts.acting(alice):
        departs(eve)
    with pytest.raises(InvitationRevoked, match="Ask for another"):
        within(
            acme,
            redeem_with_new_account,
            invitation_id=left.id,
            name="Eve",
            password="korrekt pferd batterie",
        )


def test_an_administrator_lets_nobody_in_past_the_approval(
    acme: Organisation, alice: Membership
) -> None:
    _, row = acts.register(acts.invite(acme))
    person = row.membership
    browser = cast.signed_in(alice)

    page = browser.get(address(alice, f"members/{person.id}"))
    assert "Suspend" not in page.text
    assert f"members/{person.id}/end" in page.text
    assert f"members/{person.id}/activate" not in page.text
    answer = browser.post(address(alice, f"members/{person.id}/activate"), REASON)
    assert (answer.status_code, person.status) == (422, MembershipStatus.PENDING)
    with acts.acting(alice), pytest.raises(MembershipTransition):
        lift_suspension(membership_id=person.id, reason="because")
    acts.approve(alice, row)
    assert acts.device_of(acme, {"device_id": row.id}).membership.account.phone == acts.DANAS


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.HELPDESK, Role.AUDITOR])
def test_the_helpdesk_lets_in_members_alone(
    acme: Organisation, alice: Membership, hal: Membership, role: Role
) -> None:
    _, row = acts.register(acts.invite(acme, role=role))
    with pytest.raises(NotPermitted):
        acts.approve(hal, row)
    acts.approve(alice, row)
    assert acts.device_of(acme, {"device_id": row.id}).status == DeviceStatus.APPROVED


def test_an_administrator_lets_in_no_owner(
    acme: Organisation, alice: Membership, adam: Membership
) -> None:
    _, row = acts.register(acts.invite(acme, role=Role.OWNER))
    with pytest.raises(RoleAbove):
        acts.approve(adam, row)
    with acts.acting(adam), pytest.raises(RoleAbove):
        deny(device_id=row.id, reason="no")


def test_the_helpdesk_approves_no_further_device_of_an_owner(
    acme: Organisation, alice: Membership, adam: Membership, hal: Membership
) -> None:
    phone = cast.phone(alice, approved=False)
    with pytest.raises(NotPermitted):
        acts.approve(hal, phone.device)
    acts.approve(adam, phone.device)


@pytest.mark.parametrize(
    "departs",
    [
        lambda eve: end_membership(membership_id=eve.id, reason="fired"),
        lambda eve: suspend_membership(membership_id=eve.id, reason="inquiry"),
        lambda eve: change_role(membership_id=eve.id, role=Role.MEMBER),
    ],
)
def test_who_lost_the_right_counts_as_no_second_administrator(
    acme: Organisation, alice: Membership, adam: Membership, departs: Any
) -> None:
    eve, victor = cast.member(acme, "Eve", Role.OWNER), cast.member(acme, "Victor", Role.OWNER)
    with acts.acting(eve):
        reset = request_factor_reset(membership_id=victor.id, reason="lost")
    with acts.acting(alice):
        departs(eve)
    with acts.acting(adam), pytest.raises(NotPermitted):
        approve_factor_reset(reset_id=reset.id)


def revoked(row: Any) -> None:
    revoke_device(device_id=row.id, reason=RevocationReason.LOST)


def ended(row: Any) -> None:
    end_membership(membership_id=row.membership_id, reason="no")


@pytest.mark.parametrize("shut_out", [revoked, ended])
def test_who_is_shut_out_while_waiting_can_be_invited_again(
    acme: Organisation, alice: Membership, shut_out: Any
) -> None:
    invitation = acts.invite(acme)
    device, row = acts.register(invitation)
    with acts.acting(alice):
        shut_out(row)

    assert now(invitation).state == State.REVOKED
    person = acts.device_of(acme, {"device_id": row.id}).membership
    assert person.status == MembershipStatus.ENDED
    assert device.status()["status"] == "denied"
    issue(acme, phone=acts.DANAS)
