"""A second factor that was reset: no way to the next one but password and mailed link."""

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django import Settings

from invitations.models import Purpose
from invitations.services.tokens import invitation_token
from orgs.models import Membership, Organisation, Role
from orgs.selectors.sign_in import has_factor, needs_factor_link
from orgs.services.factor_resets import approve_factor_reset, request_factor_reset
from tests import cast
from tests.invitations.onboarding import acts
from tests.orgs.sign_in.people import code_of, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Any) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


def onboard_with_factor(by: Membership, who: Membership) -> None:
    """Whoever answers the person's phone sets a factor up on the way in, and is approved."""
    of = who.organisation
    device = acts.client()
    device.start(
        invitation_token(acts.invite(of, phone=who.phone, purpose=Purpose.DEVICE, membership=who))
    )
    acts.prove(device, of, who.phone)
    key = base64.b32decode(parse_qs(urlsplit(device.set_up_totp()).query)["secret"][0])
    device.prove_totp(code_of(key))
    acts.approve(by, acts.device_of(of, device.register(acts.body(device))))


def test_a_phone_and_an_approval_set_no_factor_up_after_a_reset(
    acme: Organisation, alice: Membership
) -> None:
    adam, audrey = (
        cast.member(acme, "Adam", Role.ADMIN),
        cast.member(acme, "Audrey", Role.AUDITOR),
    )
    person(audrey)
    with acts.acting(adam):
        reset = request_factor_reset(membership_id=audrey.id, reason="lost")
    with acts.acting(alice):
        approve_factor_reset(reset_id=reset.id)
    onboard_with_factor(alice, audrey)

    assert needs_factor_link(audrey.account)
    assert not has_factor(audrey.account)


def test_who_has_no_password_sets_the_next_one_up_with_a_device(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    adam = cast.member(acme, "Adam", Role.ADMIN)
    with acts.acting(adam):
        reset = request_factor_reset(membership_id=bob.id, reason="lost")
    with acts.acting(alice):
        approve_factor_reset(reset_id=reset.id)
    onboard_with_factor(alice, bob)

    assert has_factor(bob.account)
