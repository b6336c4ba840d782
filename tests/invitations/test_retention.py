"""Whom invitations named is forgotten, and ways in that are over are gone; but for holds."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from invitations.errors import InvitationTransition
from invitations.models import Invitation, Onboarding, PhoneChange, PhoneProof
from invitations.services.changes import extend, revoke
from invitations.services.phone_codes import want_code
from invitations.services.tokens import invitation_token
from invitations.tasks.invitations import expire
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation
from orgs.services.memberships import end_membership
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import DANAS
from tests.messaging import externals
from tests.retention import LATER, MUCH_LATER, counted, foretold, hold, plans

DAY = timedelta(days=1)
NEW = "+447700902001"


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Path) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


@pytest.fixture
def dana(alice: Membership, acme: Organisation) -> Phone:
    """Invited by Alice, and let in."""
    return acts.bring_in(alice, acme, email="dana@acme.example", issued_by=alice)


def invitation(of: Organisation) -> Invitation:
    with inside(of):
        return Invitation.objects.get()


def test_an_accepted_invitation_is_forgotten_while_the_member_stays(
    acme: Organisation, dana: Phone
) -> None:
    with clock.moved_by(LATER - 2 * DAY):
        assert foretold(acme) == {}
    with clock.moved_by(LATER):
        gone = {"invitations": 1, "onboardings": 1, "phone_proofs": 1}
        assert foretold(acme) == gone
        row = invitation(acme)
        assert (row.name, row.phone, row.email, row.delivery_error) == ("", "", "", "")
        assert row.membership_id == dana.device.membership_id
        assert dana.api.me()["membership"]["name"] == "Dana"


@pytest.mark.parametrize("ends", ["revoked", "expired"])
def test_one_that_came_to_nothing_is_forgotten(
    acme: Organisation, alice: Membership, ends: str
) -> None:
    invited = acts.invite(acme)
    acts.client().start(invitation_token(invited))
    acts.work(acme)
    with acts.acting(alice):
        if ends == "revoked":
            revoke(invitation_id=invited.id, reason="Dana went to Hooli")
    with clock.moved_by(8 * DAY):
        expire()
    with clock.moved_by(8 * DAY + MUCH_LATER):
        reasons = {"invitation_reasons": 1} if ends == "revoked" else {}
        gone = {"invitations": 1, "onboardings": 1, "phone_proofs": 1, **reasons}
        assert foretold(acme, batch=1) == gone
        assert (invitation(acme).state, invitation(acme).name) == (ends, "")
        with acts.acting(alice), pytest.raises(InvitationTransition, match="forgotten"):
            extend(invitation_id=invited.id, valid_days=7)


def test_open_ones_and_devices_that_wait_stay(acme: Organisation, alice: Membership) -> None:
    acts.invite(acme, phone=NEW, expires_at=clock.now() + 2 * LATER)
    _, device = acts.register(acts.invite(acme, expires_at=clock.now() + 2 * LATER))
    with clock.moved_by(LATER):
        assert foretold(acme) == {"phone_proofs": 1}
        acts.approve(alice, device)
        assert foretold(acme) == {}
    with clock.moved_by(2 * LATER):
        assert foretold(acme) == {"invitations": 1, "onboardings": 1}


def test_holds_on_the_person_and_on_who_invited_them(
    acme: Organisation, alice: Membership, bob: Membership, dana: Phone
) -> None:
    person, now = dana.device.membership, clock.now()
    with clock.moved_by(LATER):
        assert counted(acme, hold(person)) == {}
        assert counted(acme, hold(person, until_at=now)) == {}
        assert "invitations" in counted(acme, hold(person, from_at=now + LATER))
        assert counted(acme, hold(alice)) == {"onboardings": 1, "phone_proofs": 1}
        assert len(foretold(acme, hold(bob))) == 3


def test_a_hold_on_a_room_keeps_its_guests_invitation(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = externals.opened(bob, alice)
    externals.come(alice, acme)
    with clock.moved_by(LATER):
        kept = {"invitations", "onboardings", "named_guests"}
        assert counted(acme).keys() >= kept
        assert not counted(acme, hold(room=room)).keys() & kept


def test_numbers_that_members_asked_for_go(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    bob_phone.api.change_phone(NEW)
    with clock.moved_by(LATER):
        assert counted(acme, hold(bob)) == {}
        assert foretold(acme) == {"undecided_phone_changes": 1, "phone_proofs": 1}
        bob_phone.api.change_phone(NEW)
        bob_phone.api.prove_phone(acts.code_for(acme, NEW))
    with clock.moved_by(2 * LATER):
        assert foretold(acme) == {"phone_proofs": 1}, "somebody may decide about it still"
        with inside(acme):
            PhoneChange.objects.update(
                approved=False, decided_at=clock.now(), reason="Bob's brother has it"
            )
    with clock.moved_by(2 * LATER + MUCH_LATER):
        assert counted(acme, hold(bob)) == {}
        assert foretold(acme) == {"phone_changes": 1, "phone_change_reasons": 1}
        with inside(acme):
            assert PhoneChange.objects.get().phone == ""


def test_a_number_that_waits_goes_with_its_member(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    bob_phone.api.change_phone(NEW)
    bob_phone.api.prove_phone(acts.code_for(acme, NEW))
    with inside(acme):
        end_membership(membership_id=bob.id, reason="")
    with clock.moved_by(LATER):
        assert foretold(acme)["undecided_phone_changes"] == 1
        with inside(acme):
            assert not PhoneChange.objects.exists()


def test_a_code_is_made_again_after_its_row_has_gone(acme: Organisation, dana: Phone) -> None:
    with clock.moved_by(LATER), inside(acme):
        foretold(acme)
        assert not PhoneProof.objects.exists()
        want_code(phone=DANAS, subject_id=dana.id)
        assert PhoneProof.objects.get().phone == DANAS


def test_a_way_in_whose_device_was_revoked_unapproved_goes(
    acme: Organisation, alice: Membership
) -> None:
    _, device = acts.register(acts.invite(acme))
    with inside(acme):
        revoke_device(device_id=device.id, reason=RevocationReason.LOST)
    with clock.moved_by(LATER):
        assert foretold(acme)["onboardings"] == 1
        with inside(acme):
            assert not Onboarding.objects.exists()


def test_another_organisation_loses_nothing(
    acme: Organisation, globex: Organisation, dana: Phone
) -> None:
    with clock.moved_by(LATER):
        assert foretold(globex) == {}
        assert invitation(acme).name == "Dana"


def test_work_is_found_by_indexes(acme: Organisation, bob: Membership) -> None:
    cast.phone(bob)
    found = "\n".join(plans(acme).values())
    for index in (
        "invitation_to_forget",
        "invitation_reasoned",
        "onboarding_by_age",
        "phone_proof_by_age",
        "phone_change_to_forget",
        "phone_change_undecided",
        "phone_change_reasoned",
    ):
        assert index in found, index
