"""The second factor on the way in: wanted by the policy, by the person, or held already."""

import base64
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django_otp.oath import TOTP

from invitations.models import Onboarding, Purpose
from invitations.services.tokens import invitation_token
from orgs.models import Account, Factor, Membership, Organisation
from orgs.selectors.sign_in import has_factor
from orgs.services.factors import adopt_factor
from orgs.services.organisations import PolicyChange, change_policy
from orgs.totp import new_totp_key
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.sealing import seal, unseal
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.onboarding import OnboardingClient
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import refused

pytestmark = pytest.mark.django_db


def key_in(url: str) -> bytes:
    return base64.b32decode(parse_qs(urlsplit(url).query)["secret"][0])


def code_of(key: bytes, *, steps: int = 0) -> str:
    """The code that an authenticator app shows, so many steps of 30 seconds from now."""
    totp = TOTP(key, drift=steps)
    totp.time = clock.now().timestamp()
    return f"{totp.token():06d}"


def wrong(key: bytes) -> str:
    """A code of no step that counts."""
    near = {code_of(key, steps=step) for step in range(-2, 3)}
    return next(code for code in map("{:06d}".format, range(10)) if code not in near)


def give_factor(account: Account) -> bytes:
    key = new_totp_key()
    with acting_as(SYSTEM):
        adopt_factor(account=account, sealed_key=seal(key), last_step=0)
    return key


@pytest.fixture
def required(acme: Organisation) -> None:
    with acts.in_organisation(acme.id):
        change_policy(change=PolicyChange(totp_required=True))


@pytest.fixture
def device(acme: Organisation) -> OnboardingClient:
    """Dana's, whose phone is proved."""
    device = acts.client()
    device.start(invitation_token(acts.invite(acme)))
    acts.prove(device, acme)
    return device


def test_where_the_policy_asks_nothing_registers_without(
    acme: Organisation, alice: Membership, required: None, device: OnboardingClient
) -> None:
    assert device.steps[0] == {"step": "totp", "required": True, "set_up": True}
    assert device.status()["status"] == "totp"
    assert refused(lambda: device.register(acts.body(device))) == (403, "totp_required")
    assert refused(lambda: device.prove_totp("123456")) == (409, "onboarding_state")
    url = device.set_up_totp()
    assert device.set_up_totp() == url
    device.prove_totp(code_of(key_in(url)))
    device.prove_totp(code_of(key_in(url)))
    assert device.status()["status"] == "device"
    assert refused(device.set_up_totp) == (409, "onboarding_state")
    row = acts.device_of(acme, device.register(acts.body(device)))
    assert not has_factor(row.membership.account)
    acts.approve(alice, row)
    factor = Factor.objects.get(account=row.membership.account)
    assert factor.sealed_key is not None
    assert unseal(factor.sealed_key) == key_in(url)
    assert key_in(url) not in bytes(factor.sealed_key)


def test_a_person_may_want_one(
    acme: Organisation, alice: Membership, device: OnboardingClient
) -> None:
    device.prove_totp(code_of(key_in(device.set_up_totp())))
    row = acts.device_of(acme, device.register(acts.body(device)))
    acts.approve(alice, row)
    assert has_factor(row.membership.account)


def test_one_that_was_never_proved_counts_for_nothing(
    acme: Organisation, alice: Membership, device: OnboardingClient
) -> None:
    device.set_up_totp()
    row = acts.device_of(acme, device.register(acts.body(device)))
    acts.approve(alice, row)
    assert not has_factor(row.membership.account)


def test_five_wrong_codes_lock_and_the_lock_lifts(
    acme: Organisation, required: None, device: OnboardingClient
) -> None:
    key = key_in(device.set_up_totp())
    for left in (4, 3, 2, 1):
        with pytest.raises(ApiProblem) as caught:
            device.prove_totp(wrong(key))
        assert (caught.value.status, caught.value.body["attempts_left"]) == (403, left)
    assert refused(lambda: device.prove_totp(wrong(key))) == (423, "code_locked")
    assert refused(lambda: device.prove_totp(code_of(key))) == (423, "code_locked")
    with clock.moved_by(timedelta(minutes=16)):
        device.prove_totp(code_of(key))


def test_starting_again_gives_no_further_tries(
    acme: Organisation, device: OnboardingClient
) -> None:
    key = key_in(device.set_up_totp())
    for _ in range(5):
        refused(lambda: device.prove_totp(wrong(key)))
    with organisation_scope(acme.id):
        invitation = Onboarding.objects.select_related("invitation").get().invitation
    assert invitation is not None
    with clock.moved_by(timedelta(minutes=1)):
        again = acts.client()
        again.start(invitation_token(invitation))
        acts.prove(again, acme)
        fresh = key_in(again.set_up_totp())
        assert refused(lambda: again.prove_totp(code_of(fresh))) == (423, "code_locked")


def test_who_replaces_a_device_proves_the_factor_they_have(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    key = give_factor(bob.account)
    invitation = acts.invite(acme, phone=bob.phone, purpose=Purpose.DEVICE, membership=bob)
    device = acts.client()
    device.start(invitation_token(invitation))
    acts.prove(device, acme, bob.phone)
    assert device.steps[0] == {"step": "totp", "required": True, "set_up": False}
    assert refused(device.set_up_totp) == (409, "onboarding_state")
    assert refused(lambda: device.register(acts.body(device))) == (403, "totp_required")
    code = code_of(key)
    device.prove_totp(code)
    row = acts.device_of(acme, device.register(acts.body(device)))
    assert row.membership.id == bob.id
    acts.approve(alice, row)
    kept = Factor.objects.get(account=bob.account).sealed_key
    assert kept is not None
    assert unseal(kept) == key


def test_a_code_is_good_once(acme: Organisation, bob: Membership) -> None:
    key = give_factor(bob.account)
    invitation = acts.invite(acme, phone=bob.phone, purpose=Purpose.DEVICE, membership=bob)
    device = acts.client()
    device.start(invitation_token(invitation))
    acts.prove(device, acme, bob.phone)
    code = code_of(key)
    device.prove_totp(code)
    with clock.moved_by(timedelta(seconds=31)):
        again = acts.client()
        again.start(invitation_token(invitation))
        acts.prove(again, acme, bob.phone)
        assert refused(lambda: again.prove_totp(code)) == (403, "code_wrong")
