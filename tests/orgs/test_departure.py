"""What a suspension and an end do to a person's devices, keys and tokens, at once."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from keys.authentication import admit
from keys.models import (
    Device,
    DeviceStatus,
    DeviceToken,
    KeyBundle,
    OneTimePreKey,
    RevocationReason,
    SignedPreKey,
)
from keys.services.enrolment import enrol_device
from orgs.errors import MembershipTransition
from orgs.models import Membership, MembershipStatus, Organisation
from orgs.services.memberships import (
    activate_membership,
    admit_member,
    end_membership,
    suspend_membership,
)
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import NotAuthenticated
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.uploads import enrolment_of
from tests import cast
from tests.cast import Phone


def within(organisation: Organisation, act: Callable[..., Any], **arguments: Any) -> Any:
    with acting_as(SYSTEM), organisation_scope(organisation.id):
        return act(**arguments)


def suspend(person: Membership) -> None:
    within(person.organisation, suspend_membership, membership_id=person.id, reason="inquiry")


def end(person: Membership) -> None:
    within(person.organisation, end_membership, membership_id=person.id, reason="left")


def kept(phone: Phone) -> tuple[int, int, int, int]:
    """Rows of the device: bundles, signed pre-keys, one-time pre-keys, tokens."""
    with organisation_scope(phone.device.organisation_id):
        return (
            KeyBundle.objects.filter(device_id=phone.id).count(),
            SignedPreKey.objects.filter(device_id=phone.id).count(),
            OneTimePreKey.objects.filter(device_id=phone.id).count(),
            DeviceToken.objects.filter(device_id=phone.id).count(),
        )


@pytest.mark.parametrize("leave", [suspend, end])
def test_tokens_are_gone_at_once(bob: Membership, bob_phone: Phone, leave: Any) -> None:
    bob_phone.api.me()
    leave(bob)

    assert kept(bob_phone)[3] == 0
    with pytest.raises(ApiProblem) as caught:
        bob_phone.api.me()
    assert caught.value.code in {"membership_suspended", "membership_ended"}


@pytest.mark.parametrize(
    ("leave", "code"), [(suspend, "membership_suspended"), (end, "membership_ended")]
)
def test_a_new_token_is_refused_and_nothing_is_wiped(
    bob: Membership, bob_phone: Phone, leave: Any, code: str
) -> None:
    leave(bob)
    with pytest.raises(ApiProblem) as caught:
        bob_phone.api.token()

    assert (caught.value.status, caught.value.code) == (403, code)
    assert "wipe" not in caught.value.body


def test_a_suspension_keeps_keys_and_status(bob: Membership, bob_phone: Phone) -> None:
    suspend(bob)

    assert kept(bob_phone) == (1, 1, 20, 0)
    assert bob_phone.reload().status == DeviceStatus.APPROVED


@pytest.mark.parametrize("leave", [suspend, end])
def test_nobody_can_claim_from_who_is_away(
    bob: Membership, bob_phone: Phone, alice_phone: Phone, leave: Any
) -> None:
    leave(bob)
    with pytest.raises(ApiProblem, match="404"):
        alice_phone.api.claim(bob_phone.id)


def test_a_lifted_suspension_brings_everything_back_but_the_tokens(
    acme: Organisation, bob: Membership, bob_phone: Phone, alice_phone: Phone
) -> None:
    old = bob_phone.api.token()
    suspend(bob)
    within(acme, activate_membership, membership_id=bob.id)

    with pytest.raises(NotAuthenticated):
        admit(old)
    assert bob_phone.api.me()["membership"]["status"] == "active"
    assert bob_phone.api.token() != old
    assert alice_phone.api.claim(bob_phone.id)["one_time_pre_key"]["key_id"] == 1


def test_an_end_revokes_every_device_and_deletes_its_keys(
    bob: Membership, bob_phone: Phone
) -> None:
    second = cast.phone(bob, name="Tablet")
    waiting = cast.phone(bob, name="Laptop", approved=False)
    end(bob)

    for phone in (bob_phone, second, waiting):
        row = phone.reload()
        assert row.status == DeviceStatus.REVOKED
        assert row.revocation_reason == RevocationReason.DEPARTURE
        assert kept(phone) == (0, 0, 0, 0)


def test_an_end_after_a_suspension_does_the_same(bob: Membership, bob_phone: Phone) -> None:
    suspend(bob)
    end(bob)

    assert bob_phone.reload().status == DeviceStatus.REVOKED
    assert kept(bob_phone) == (0, 0, 0, 0)


def test_other_peoples_devices_go_on(
    bob: Membership, bob_phone: Phone, alice_phone: Phone, charlie_phone: Phone
) -> None:
    alice_phone.api.token()
    end(bob)

    assert kept(alice_phone) == (1, 1, 20, 1)
    assert kept(charlie_phone) == (1, 1, 20, 0)
    assert alice_phone.api.me()["device"]["status"] == "approved"


def test_the_same_person_elsewhere_notices_nothing(
    bob: Membership, bob_phone: Phone, globex: Organisation
) -> None:
    there = within(
        globex, admit_member, account=bob.account, name="Bob", status=MembershipStatus.ACTIVE
    )
    phone = cast.phone(there)
    phone.api.token()
    end(bob)

    assert kept(phone) == (1, 1, 20, 1)
    assert phone.api.me()["membership"]["status"] == "active"


def test_who_comes_back_needs_a_new_device(
    acme: Organisation, bob: Membership, bob_phone: Phone
) -> None:
    end(bob)
    again = within(
        acme, admit_member, account=bob.account, name="Bob", status=MembershipStatus.ACTIVE
    )
    new = cast.phone(again)

    assert new.api.me()["membership"]["id"] == str(again.id)
    with pytest.raises(ApiProblem, match="membership_ended"):
        bob_phone.api.token()
    assert [device["id"] for device in new.api.devices()] == [str(new.id)]


@pytest.mark.parametrize("leave", [suspend, end])
def test_nobody_enrols_while_away(acme: Organisation, bob: Membership, leave: Any) -> None:
    leave(bob)
    keys, onboarding_id = DeviceKeys.generate(), uuid4()
    with pytest.raises(MembershipTransition):
        within(
            acme,
            enrol_device,
            membership_id=bob.id,
            onboarding_id=onboarding_id,
            enrolment=enrolment_of(keys, onboarding_id, name="Phone", one_time_pre_keys=1),
        )
    with organisation_scope(acme.id):
        assert not Device.objects.filter(membership=bob).exists()


def test_a_departed_device_is_told_apart_from_a_revoked_one(
    acme: Organisation, bob: Membership, bob_phone: Phone
) -> None:
    second = cast.phone(bob, name="Tablet")
    bob_phone.api.revoke(second.id)
    end(bob)

    with pytest.raises(ApiProblem) as revoked:
        second.api.token()
    with pytest.raises(ApiProblem) as departed:
        bob_phone.api.token(renew=True)
    assert (revoked.value.code, revoked.value.body["wipe"]) == ("access_revoked", True)
    assert departed.value.code == "membership_ended"
