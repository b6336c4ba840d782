"""Who an account is: one person in two organisations, a number with a new person, a return."""

import json
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from audit.models import Event
from invitations.errors import NotKnownBefore
from invitations.selectors.onboarding import known_before
from invitations.services.tokens import invitation_token
from keys.models import Device
from orgs.models import Account, Membership, Organisation
from orgs.selectors.sign_in import has_factor
from orgs.services.memberships import end_membership
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.onboarding import OnboardingClient
from semafore.local.client.wire import encode
from tests import cast
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import refused
from tests.invitations.onboarding.test_totp import code_of, give_factor, key_in

pytestmark = pytest.mark.django_db


def account_of(phone: cast.Phone) -> UUID:
    return phone.reload().membership.account_id


def everything_about(of: Organisation) -> str:
    """All that an organisation's log says."""
    with organisation_scope(of.id):
        parts = [
            json.loads(bytes(part or b"{}"))
            for event in Event.objects.all()
            for part in (event.who, event.what)
        ]
    return json.dumps(parts)


def ready(of: Organisation, phone: str = acts.DANAS) -> OnboardingClient:
    """A device whose phone is proved."""
    device = acts.client()
    device.start(invitation_token(acts.invite(of, phone=phone)))
    acts.prove(device, of, phone)
    return device


def endorsed(
    device: OnboardingClient,
    by: cast.Phone,
    keys: DeviceKeys,
    *,
    organisation_id: UUID | None = None,
) -> dict[str, Any]:
    """A registration that another device signs for."""
    signature = by.keys.endorse(organisation_id or device.organisation_id, by.id, keys.identity_key)
    endorsement = {"device_id": str(by.id), "signature": encode(signature)}
    return acts.body(device, keys) | {"endorsement": endorsement}


def test_without_more_a_number_that_comes_again_is_a_new_person(
    acme: Organisation, alice: Membership, globex: Organisation, charlie: Membership
) -> None:
    first = acts.bring_in(charlie, globex)
    second = acts.bring_in(alice, acme)
    assert account_of(first) != account_of(second)
    assert Account.objects.get(phone=acts.DANAS).id == account_of(second)
    assert Account.objects.get(id=account_of(first)).phone is None
    with organisation_scope(globex.id):
        assert first.reload().membership.phone == acts.DANAS
    assert first.api.me()["membership"]["status"] == "active"


def test_a_device_of_the_person_signs_and_the_account_is_one(
    acme: Organisation, alice: Membership, globex: Organisation, charlie: Membership
) -> None:
    first = acts.bring_in(charlie, globex)
    device, keys = ready(acme), DeviceKeys.generate()
    row = acts.device_of(acme, device.register(endorsed(device, first, keys)))
    assert row.membership.account_id == account_of(first)
    assert (row.endorser_id, row.endorsement_signature) == (None, None)
    acts.approve(alice, row)
    second = cast.Phone(device=row, keys=keys)
    assert first.api.me()["organisation"] == {"id": str(globex.id), "name": "Globex"}
    assert second.api.me()["organisation"] == {"id": str(acme.id), "name": "Acme"}
    assert [one["id"] for one in second.api.devices()] == [str(second.id)]
    told, of_globex = everything_about(acme), (str(first.id), str(globex.id), "Globex")
    assert not [one for one in (*of_globex, str(account_of(first))) if one in told]
    assert not [one for one in (str(second.id), "Acme") if one in everything_about(globex)]


def test_signatures_that_do_not_count_are_all_refused_alike(
    acme: Organisation,
    globex: Organisation,
    charlie: Membership,
    charlie_phone: cast.Phone,
    bob_phone: cast.Phone,
) -> None:
    first = acts.bring_in(charlie, globex)
    device, keys = ready(acme), DeviceKeys.generate()
    accounts = Account.objects.count()
    other = DeviceKeys.generate()
    bodies = [
        endorsed(device, charlie_phone, keys),  # another person
        endorsed(device, bob_phone, keys),
        endorsed(device, first, keys, organisation_id=globex.id),  # signed for elsewhere
        endorsed(device, first, other) | acts.body(device, keys),
        endorsed(device, first, keys)
        | {"endorsement": {"device_id": str(first.id), "signature": encode(bytes(64))}},
    ]
    for body in bodies:
        assert refused(partial(device.register, body)) == (422, "endorsement_invalid")
    with organisation_scope(globex.id):
        Device.objects.filter(id=first.id).update(status="revoked")
    assert refused(lambda: device.register(endorsed(device, first, keys))) == (
        422,
        "endorsement_invalid",
    )
    assert Account.objects.count() == accounts


def test_who_joins_their_account_proves_the_factor_it_has(
    acme: Organisation, alice: Membership, globex: Organisation, charlie: Membership
) -> None:
    first = acts.bring_in(charlie, globex)
    key = give_factor(Account.objects.get(id=account_of(first)))
    device, keys = ready(acme), DeviceKeys.generate()
    assert device.steps[0]["required"] is False
    body = endorsed(device, first, keys)
    assert refused(lambda: device.register(body)) == (403, "totp_required")
    device.prove_totp(code_of(key))
    row = acts.device_of(acme, device.register(body))
    assert row.membership.account_id == account_of(first)


def test_a_factor_set_up_before_the_signature_does_not_stand_for_the_one_held(
    acme: Organisation, globex: Organisation, charlie: Membership
) -> None:
    first = acts.bring_in(charlie, globex)
    give_factor(Account.objects.get(id=account_of(first)))
    device, keys = ready(acme), DeviceKeys.generate()
    device.prove_totp(code_of(key_in(device.set_up_totp())))
    assert refused(lambda: device.register(endorsed(device, first, keys))) == (
        403,
        "totp_required",
    )


def test_an_administrator_affirms_who_came_back(
    acme: Organisation, alice: Membership, charlie: Membership, globex: Organisation
) -> None:
    before = acts.bring_in(alice, acme)
    old_account = account_of(before)
    with acts.acting(alice):
        end_membership(membership_id=before.device.membership_id, reason="Left.")
    # Meanwhile the number has a person at Globex, which neither side may notice.
    elsewhere = acts.bring_in(charlie, globex)
    with clock.moved_by(timedelta(minutes=1)):
        _, row = acts.register(acts.invite(acme))
    placeholder = row.membership.account_id
    with acts.acting(alice):
        assert [one.id for one in known_before(row.membership)] == [before.device.membership_id]
    acts.approve(alice, row, same_person=True)
    back = acts.device_of(acme, {"device_id": row.id}).membership
    assert back.account_id == old_account
    assert not Account.objects.filter(id=placeholder).exists()
    assert Account.objects.get(phone=acts.DANAS).id == old_account
    assert elsewhere.api.me()["membership"]["status"] == "active"
    assert "phone_moved" not in everything_about(globex) + everything_about(acme)


def test_only_the_organisations_own_past_counts(
    acme: Organisation, alice: Membership, charlie: Membership, globex: Organisation
) -> None:
    before = acts.bring_in(charlie, globex)
    with acts.acting(charlie):
        end_membership(membership_id=before.device.membership_id, reason="Left.")
    # Nor does a colleague count who has the number still.
    erin = cast.member(acme, "Erin")
    with organisation_scope(acme.id):
        Membership.objects.filter(id=erin.id).update(phone=acts.DANAS)
    _, row = acts.register(acts.invite(acme))
    with acts.acting(alice):
        assert known_before(row.membership) == []
    with pytest.raises(NotKnownBefore):
        acts.approve(alice, row, same_person=True)
    acts.approve(alice, row)


def test_a_returning_person_keeps_the_factor_they_had(
    acme: Organisation, alice: Membership
) -> None:
    before = acts.bring_in(alice, acme)
    account = Account.objects.get(id=account_of(before))
    give_factor(account)
    with acts.acting(alice):
        end_membership(membership_id=before.device.membership_id, reason="Left.")
    with clock.moved_by(timedelta(minutes=1)):
        _, row = acts.register(acts.invite(acme))
    acts.approve(alice, row)
    assert not has_factor(acts.device_of(acme, {"device_id": row.id}).membership.account)
    assert has_factor(account)
