"""A second device, brought in by the first."""

from datetime import timedelta
from typing import Any

import pytest

from invitations.models import LinkToken
from invitations.services import linking
from invitations.services.linking import drop_link_tokens
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation, SecondDeviceApproval
from orgs.services.memberships import suspend_membership
from orgs.services.organisations import PolicyChange, change_policy
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.onboarding import OnboardingClient
from semafore.local.client.wire import encode
from tests import cast
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_approval(acme: Organisation) -> None:
    """The policy leaves second devices to their people."""
    with acts.in_organisation(acme.id):
        change = PolicyChange(second_device_approval=SecondDeviceApproval.OWN_DEVICE)
        change_policy(change=change)


def linked(by: cast.Phone, keys: DeviceKeys | None = None) -> tuple[OnboardingClient, Any]:
    """A laptop of the same person, registered."""
    device, person = acts.client(), by.device.membership
    device.start(by.api.link_token())
    acts.prove(device, person.organisation, person.phone)
    return device, device.register(acts.body(device, keys, name="Laptop"))


def test_a_second_device_waits_for_an_administrator(
    alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    keys = DeviceKeys.generate()
    device, registered = linked(bob_phone, keys)
    assert registered["membership_id"] == str(bob.id)
    shown = {one["name"]: one["status"] for one in bob_phone.api.devices()}
    assert shown == {"Phone": "approved", "Laptop": "pending"}
    row = acts.device_of(bob.organisation, registered)
    assert refused(lambda: bob_phone.api.approve(row.id, compared="in_person")) == (
        403,
        "not_permitted",
    )
    acts.approve(alice, row)
    assert device.status()["status"] == "approved"
    assert cast.Phone(device=row, keys=keys).api.me()["membership"]["id"] == str(bob.id)


def test_where_the_policy_lets_it_the_own_device_approves(
    own_approval: None, bob: Membership, bob_phone: cast.Phone, alice_phone: cast.Phone
) -> None:
    device, registered = linked(bob_phone)
    row = acts.device_of(bob.organisation, registered)
    assert refused(lambda: alice_phone.api.approve(row.id, compared="call")) == (404, "not_found")
    assert bob_phone.api.approve(row.id, compared="in_person")["status"] == "approved"
    assert device.status()["status"] == "approved"
    assert refused(lambda: bob_phone.api.approve(row.id, compared="in_person")) == (
        409,
        "device_status",
    )


def test_a_device_that_came_by_invitation_is_for_an_administrator(
    own_approval: None, acme: Organisation, bob: Membership, bob_phone: cast.Phone
) -> None:
    invitation = acts.invite(acme, phone=bob.phone, purpose="device", membership=bob)
    _, row = acts.register(invitation)
    assert refused(lambda: bob_phone.api.approve(row.id, compared="in_person")) == (
        403,
        "not_permitted",
    )


def test_a_link_serves_once_and_for_ten_minutes(bob_phone: cast.Phone) -> None:
    token = bob_phone.api.link_token()
    acts.client().start(token)
    assert refused(lambda: acts.client().start(token)) == (410, "invitation_used")
    token = bob_phone.api.link_token()
    with clock.moved_by(timedelta(minutes=10)):
        assert refused(lambda: acts.client().start(token)) == (410, "invitation_expired")
    newer = bob_phone.api.link_token()
    assert refused(lambda: acts.client().start(token)) == (410, "invitation_expired")
    acts.client().start(newer)


def test_a_link_ends_with_the_device_that_made_it(
    acme: Organisation, bob: Membership, bob_phone: cast.Phone
) -> None:
    token = bob_phone.api.link_token()
    with acts.in_organisation(acme.id):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)
    assert refused(lambda: acts.client().start(token)) == (410, "invitation_revoked")


def test_a_link_ends_with_the_membership(
    acme: Organisation, bob: Membership, bob_phone: cast.Phone
) -> None:
    token, started = bob_phone.api.link_token(), acts.client()
    started.start(bob_phone.api.link_token())
    with acts.in_organisation(acme.id):
        suspend_membership(membership_id=bob.id, reason="Inquiry.")
    assert refused(lambda: acts.client().start(token))[0] == 410
    assert refused(lambda: started.prove_phone("123456")) == (410, "invitation_revoked")


def test_nobody_learns_a_link_from_the_database(bob: Membership, bob_phone: cast.Phone) -> None:
    token = bob_phone.api.link_token()
    with organisation_scope(bob.organisation_id):
        row = LinkToken.objects.values().get()
    assert token not in str(row)
    assert token.removeprefix("sfl_") not in str(cast.events(bob))


def test_the_policys_number_of_devices_holds(bob: Membership, bob_phone: cast.Phone) -> None:
    with acts.in_organisation(bob.organisation_id):
        change_policy(change=PolicyChange(devices_per_member=1))
    assert refused(lambda: linked(bob_phone)) == (409, "device_limit_reached")


def test_the_first_device_may_sign_for_the_second(
    alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    device, keys = acts.client(), DeviceKeys.generate()
    device.start(bob_phone.api.link_token())
    acts.prove(device, bob.organisation, bob.phone)
    signature = bob_phone.keys.endorse(bob.organisation_id, bob_phone.id, keys.identity_key)
    endorsement = {"device_id": str(bob_phone.id), "signature": encode(signature)}
    row = acts.device_of(
        bob.organisation, device.register(acts.body(device, keys) | {"endorsement": endorsement})
    )
    assert row.endorser_id == bob_phone.id


def test_a_person_without_a_number_has_nothing_to_prove(
    acme: Organisation, bob: Membership, bob_phone: cast.Phone
) -> None:
    with acts.in_organisation(acme.id):
        Membership.objects.filter(id=bob.id).update(phone="")
    device = acts.client()
    started = device.start(bob_phone.api.link_token())
    assert started["phone_hint"] == ""
    assert device.proved
    device.register(acts.body(device))


def test_unused_links_are_swept(acme: Organisation, bob_phone: cast.Phone) -> None:
    acts.client().start(bob_phone.api.link_token())
    bob_phone.api.link_token()
    with clock.moved_by(timedelta(hours=25)), organisation_scope(acme.id):
        assert drop_link_tokens() == 1
        assert LinkToken.objects.count() == 1
    assert timedelta(minutes=10) == linking.LINK_LIFETIME
