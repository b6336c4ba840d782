"""The whole way in, and every step again: invitation, phone, registration, approval."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from invitations.events.onboarding import InvitationDenied
from invitations.models import Invitation, Onboarding, State
from invitations.services import approvals
from invitations.services.progress import advance, locked_invitation
from invitations.services.tokens import invitation_token
from keys.models import DeviceStatus
from orgs.models import Account, Membership, MembershipStatus, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keys import DeviceKeys
from tests import cast
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import refused

pytestmark = pytest.mark.django_db


def test_a_person_comes_in_step_by_step(acme: Organisation, alice: Membership) -> None:
    invitation = acts.invite(acme, role=Role.HELPDESK, unit="Ward 4")
    device, keys = acts.client(), DeviceKeys.generate()

    started = device.start(invitation_token(invitation))
    assert started["organisation"] == {"id": str(acme.id), "name": "Acme"}
    assert (started["kind"], started["phone_hint"]) == ("member", "…001")
    assert acts.state(invitation) == State.OPENED

    assert device.prove_phone(acts.code_for(acme)) == [
        {"step": "totp", "required": False, "set_up": True},
        {"step": "device", "required": True, "set_up": False},
        {"step": "approval", "required": True, "set_up": False},
    ]
    assert acts.state(invitation) == State.PHONE_VERIFIED
    assert device.status() == {"status": "device", "reason": "", "poll_after": None}

    registered = device.register(acts.body(device, keys))
    assert registered["status"] == "awaiting_approval"
    assert len(registered["fingerprint"].split()) == 12
    assert acts.state(invitation) == State.AWAITING_APPROVAL
    assert device.status()["status"] == "awaiting_approval"
    row = acts.device_of(acme, registered)
    assert row.membership.status == MembershipStatus.PENDING
    assert (row.membership.role, row.membership.unit) == (Role.HELPDESK, "Ward 4")
    assert row.membership.account.phone is None

    acts.approve(alice, row)
    phone = cast.Phone(device=row, keys=keys)
    assert phone.api.me()["membership"]["status"] == "active"
    assert device.status() == {"status": "approved", "reason": "", "poll_after": None}
    assert acts.state(invitation) == State.ACCEPTED
    assert Account.objects.get(phone=acts.DANAS).id == row.membership.account_id
    kinds = [what["type"] for what in cast.events(acme)]
    for kind in (
        "onboarding.started",
        "phone_code.sent",
        "onboarding.phone_proved",
        "onboarding.registered",
        "device.approved",
        "invitation.accepted",
    ):
        assert kinds.count(kind) == 1, kind


def test_a_decision_can_be_read_for_a_day(acme: Organisation, alice: Membership) -> None:
    device, row = acts.register(acts.invite(acme))
    acts.approve(alice, row)
    with clock.moved_by(timedelta(hours=23)):
        assert device.status()["status"] == "approved"
    with clock.moved_by(timedelta(hours=25)):
        assert refused(device.status) == (401, "token_invalid")


def test_a_denial_shows_its_reason_and_ends_the_pending_membership(
    acme: Organisation, alice: Membership
) -> None:
    invitation = acts.invite(acme)
    device, row = acts.register(invitation)
    with acts.acting(alice):
        approvals.deny(device_id=row.id, reason="Not the person I called.")
    assert device.status() == {
        "status": "denied",
        "reason": "Not the person I called.",
        "poll_after": None,
    }
    row = acts.device_of(acme, {"device_id": row.id})
    assert (row.status, row.membership.status) == (DeviceStatus.DENIED, MembershipStatus.ENDED)
    assert acts.state(invitation) == State.DECLINED
    assert refused(lambda: acts.client().start(invitation_token(invitation))) == (
        410,
        "invitation_revoked",
    )


def test_every_step_again_changes_nothing(acme: Organisation, alice: Membership) -> None:
    invitation = acts.invite(acme)
    token = invitation_token(invitation)
    device, keys = acts.client(), DeviceKeys.generate()
    first = device.start(token)
    assert device.start(token) == first
    code = acts.code_for(acme)
    device.prove_phone(code)
    assert refused(lambda: device.prove_phone(code)) == (409, "onboarding_state")
    assert refused(device.send_code) == (409, "onboarding_state")
    body = acts.body(device, keys)
    registered = device.register(body)
    events = len(cast.events(acme))
    assert device.register(body) == registered
    assert refused(lambda: device.register(acts.body(device))) == (409, "onboarding_used")
    assert refused(lambda: acts.client().start(token)) == (410, "invitation_used")
    assert len(cast.events(acme)) == events
    row = acts.device_of(acme, registered)
    acts.approve(alice, row)
    assert device.register(body) == registered
    with organisation_scope(acme.id):
        assert Membership.objects.filter(name="Dana").count() == 1


def test_a_device_that_starts_again_ends_the_session_before(acme: Organisation) -> None:
    token = invitation_token(acts.invite(acme))
    lost, fresh = acts.client(), acts.client()
    lost.start(token)
    acts.prove(lost, acme)
    with clock.moved_by(timedelta(minutes=1)):
        fresh.start(token)
        assert fresh.id != lost.id
        assert refused(lost.status) == (401, "token_invalid")
        assert refused(lambda: lost.prove_phone("000000")) == (404, "not_found")
        acts.prove(fresh, acme)
        assert fresh.status()["status"] == "device"
        fresh.register(acts.body(fresh))


def test_each_invitation_says_why_it_can_not_be_used(acme: Organisation) -> None:
    def start(token: str) -> tuple[int, str]:
        return refused(lambda: acts.client().start(token))

    assert start("nonsense") == (404, "invitation_unknown")
    assert start("sfl_nonsense") == (404, "invitation_unknown")
    replaced = acts.invite(acme)
    old = invitation_token(replaced)
    with organisation_scope(acme.id):
        replaced.issue_number += 1
        replaced.save()
    assert start(old) == (404, "invitation_unknown")
    for state, code in (
        (State.REVOKED, "invitation_revoked"),
        (State.DECLINED, "invitation_revoked"),
        (State.EXPIRED, "invitation_expired"),
        (State.ACCEPTED, "invitation_used"),
        (State.AWAITING_APPROVAL, "invitation_used"),
    ):
        with organisation_scope(acme.id):
            Invitation.objects.filter(id=replaced.id).update(state=state)
            replaced.refresh_from_db()
        assert start(invitation_token(replaced)) == (410, code)
    late = acts.invite(acme, phone="+447700901002", expires_at=clock.now() - timedelta(seconds=1))
    assert start(invitation_token(late)) == (410, "invitation_expired")


def test_an_invitation_for_a_browser_is_none_for_a_device(acme: Organisation) -> None:
    console = acts.invite(
        acme, phone="", purpose="console", email="dana@example.org", channel="email"
    )
    assert refused(lambda: acts.client().start(invitation_token(console))) == (
        404,
        "invitation_unknown",
    )


def test_an_invitation_revoked_on_the_way_stops_the_next_step(acme: Organisation) -> None:
    invitation = acts.invite(acme)
    device = acts.client()
    device.start(invitation_token(invitation))
    acts.prove(device, acme)
    with acts.in_organisation(acme.id), transaction.atomic():
        locked = locked_invitation(invitation.id)
        advance(locked, State.DECLINED, InvitationDenied(reason="No."), reason="No.")
    assert refused(lambda: device.register(acts.body(device))) == (410, "invitation_revoked")
    assert device.status() == {"status": "denied", "reason": "No.", "poll_after": None}


def test_an_onboarding_that_takes_too_long_starts_again(acme: Organisation) -> None:
    token = invitation_token(acts.invite(acme))
    device = acts.client()
    device.start(token)
    with clock.moved_by(timedelta(hours=25)):
        assert refused(lambda: device.prove_phone("123456")) == (410, "invitation_expired")
        late = device.id
        device.start(token)
        assert device.id != late
        acts.prove(device, acme)


def test_nothing_registers_before_the_phone_is_proved(acme: Organisation) -> None:
    device = acts.client()
    device.start(invitation_token(acts.invite(acme)))
    for act in (device.status, device.set_up_totp, lambda: device.register(acts.body(device))):
        assert refused(act) == (401, "token_invalid")


def test_a_session_is_good_for_its_own_onboarding_alone(
    acme: Organisation, globex: Organisation
) -> None:
    mine, theirs = acts.client(), acts.client()
    mine.start(invitation_token(acts.invite(acme)))
    acts.prove(mine, acme)
    theirs.start(invitation_token(acts.invite(globex, phone="+447700901009")))
    mine._started = theirs._started
    for act in (mine.status, mine.set_up_totp, lambda: mine.register(acts.body(mine))):
        assert refused(act) == (404, "not_found")


def test_a_captured_enrolment_is_of_no_use_in_another_onboarding(
    acme: Organisation, globex: Organisation
) -> None:
    victim, thief = acts.client(), acts.client()
    victim.start(invitation_token(acts.invite(acme)))
    acts.prove(victim, acme)
    captured = acts.body(victim)
    thief.start(invitation_token(acts.invite(globex, phone="+447700901009")))
    acts.prove(thief, globex, "+447700901009")
    assert refused(lambda: thief.register(captured)) == (422, "signature_invalid")
    victim.register(captured)


def test_a_second_onboarding_of_a_number_gets_its_code_a_little_later(
    acme: Organisation, alice: Membership
) -> None:
    _, row = acts.register(acts.invite(acme))
    with acts.acting(alice):
        approvals.deny(device_id=row.id, reason="Wrong unit.")
    device = acts.client()
    device.start(invitation_token(acts.invite(acme)))
    acts.work(acme)
    assert len(acts.texts()) == 1
    with clock.moved_by(timedelta(seconds=31)):
        acts.prove(device, acme)


def test_a_refused_registration_leaves_no_membership(acme: Organisation) -> None:
    device = acts.client()
    device.start(invitation_token(acts.invite(acme)))
    acts.prove(device, acme)
    accounts = Account.objects.count()
    other = DeviceKeys.generate()
    bad = acts.body(device) | {"proof": acts.body(device, other)["proof"]}
    assert refused(lambda: device.register(bad)) == (422, "signature_invalid")
    endorsed = acts.body(device) | {
        "endorsement": {"device_id": str(uuid4()), "signature": bad["proof"]}
    }
    assert refused(lambda: device.register(endorsed)) == (422, "endorsement_invalid")
    assert Account.objects.count() == accounts
    with organisation_scope(acme.id):
        assert not Membership.objects.exists()
        assert Onboarding.objects.get().membership_id is None
