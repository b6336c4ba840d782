"""Enrolment with proof of possession, decisions, endorsement, revocation."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from keys.errors import (
    DeviceLimitReached,
    DeviceTransition,
    EndorsementInvalid,
    IdentityKeyInUse,
    OnboardingUsed,
    PublicKeyInvalid,
    SignatureInvalid,
)
from keys.fingerprint import fingerprint
from keys.models import Comparison, Device, DeviceStatus, RevocationReason
from keys.services.enrolment import (
    EndorsementUpload,
    Enrolment,
    approve_device,
    deny_device,
    enrol_device,
)
from keys.services.revocation import revoke_device
from orgs.errors import MembershipTransition, OwnRequest
from orgs.models import Membership, MembershipStatus
from orgs.services.memberships import end_membership
from orgs.services.organisations import PolicyChange, change_policy
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.uploads import enrolment_of
from semafore.local.client.wire import decode
from tests import cast

pytestmark = pytest.mark.django_db


def enrol(person: Membership, enrolment: Enrolment, onboarding_id: UUID) -> Device:
    with acting_as(SYSTEM), organisation_scope(person.organisation_id):
        return enrol_device(
            membership_id=person.id,
            onboarding_id=onboarding_id,
            enrolment=enrolment,
        )


def test_a_device_waits_for_approval_and_then_gets_in(bob: Membership) -> None:
    phone = cast.phone(bob, approved=False)
    with pytest.raises(ApiProblem) as caught:
        phone.api.token()
    assert (caught.value.status, caught.value.code) == (403, "awaiting_approval")
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        approve_device(device_id=phone.id, compared=Comparison.CALL)
    assert phone.api.me()["device"]["status"] == "approved"


def test_a_replay_answers_the_same_device_and_changes_nothing(bob: Membership) -> None:
    keys, onboarding_id = DeviceKeys.generate(), uuid4()
    enrolment = enrolment_of(keys, onboarding_id, name="Phone")
    first = enrol(bob, enrolment, onboarding_id)
    events = len(cast.events(bob))
    assert enrol(bob, enrolment, onboarding_id).id == first.id
    assert len(cast.events(bob)) == events


def test_a_captured_enrolment_is_of_no_use_in_another_onboarding(
    bob: Membership, alice: Membership
) -> None:
    keys, onboarding_id = DeviceKeys.generate(), uuid4()
    enrolment = enrolment_of(keys, onboarding_id, name="Phone")
    with pytest.raises(SignatureInvalid):
        enrol(alice, enrolment, uuid4())
    enrol(bob, enrolment, onboarding_id)
    with pytest.raises(OnboardingUsed):
        enrol(alice, enrolment, onboarding_id)


def test_an_onboarding_registers_one_device(bob: Membership) -> None:
    onboarding_id = uuid4()
    enrol(bob, enrolment_of(DeviceKeys.generate(), onboarding_id, name="A"), onboarding_id)
    with pytest.raises(OnboardingUsed):
        enrol(bob, enrolment_of(DeviceKeys.generate(), onboarding_id, name="B"), onboarding_id)


def test_an_identity_key_belongs_to_one_device_in_all_organisations(
    bob: Membership, charlie: Membership
) -> None:
    keys = DeviceKeys.generate()
    ids = uuid4(), uuid4()
    enrol(bob, enrolment_of(keys, ids[0], name="Phone"), ids[0])
    with pytest.raises(IdentityKeyInUse):
        enrol(charlie, enrolment_of(keys, ids[1], name="Phone"), ids[1])


def test_the_proof_and_every_key_are_checked_before_anything_is_stored(bob: Membership) -> None:
    onboarding_id = uuid4()
    good = enrolment_of(DeviceKeys.generate(), onboarding_id, name="Phone")
    other = enrolment_of(DeviceKeys.generate(), onboarding_id, name="Phone")
    bad: list[tuple[Enrolment, type[Exception]]] = [
        (replace(good, proof=other.proof), SignatureInvalid),
        (replace(good, proof=b""), SignatureInvalid),
        (replace(good, identity_key=bytes(32)), PublicKeyInvalid),
        (replace(good, signed_pre_key=other.signed_pre_key), SignatureInvalid),
        (
            replace(good, one_time_pre_keys=[replace(good.one_time_pre_keys[0], public_key=b"")]),
            PublicKeyInvalid,
        ),
    ]
    before = len(cast.events(bob))
    for enrolment, error in bad:
        with pytest.raises(error):
            enrol(bob, enrolment, onboarding_id)
    assert len(cast.events(bob)) == before
    enrol(bob, good, onboarding_id)


def test_a_member_has_as_many_devices_as_the_policy_says(bob: Membership) -> None:
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        change_policy(change=PolicyChange(devices_per_member=2))
    first = cast.phone(bob)
    cast.phone(bob, approved=False)
    with pytest.raises(DeviceLimitReached):
        cast.phone(bob)
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        revoke_device(device_id=first.id, reason=RevocationReason.REPLACED)
    cast.phone(bob)


def test_an_endorsement_is_carried_to_peers_while_the_endorser_is_approved(
    bob: Membership, bob_phone: cast.Phone, alice_phone: cast.Phone
) -> None:
    keys, onboarding_id = DeviceKeys.generate(), uuid4()
    signature = bob_phone.keys.endorse(bob.organisation_id, bob_phone.id, keys.identity_key)
    enrolment = replace(
        enrolment_of(keys, onboarding_id, name="Laptop"),
        endorsement=EndorsementUpload(bob_phone.id, signature),
    )
    laptop = enrol(bob, enrolment, onboarding_id)
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        approve_device(device_id=laptop.id, compared=Comparison.NOT_COMPARED)
    endorsement = alice_phone.api.claim(laptop.id)["endorsement"]
    assert endorsement["device_id"] == str(bob_phone.id)
    assert decode(endorsement["signature"]) == signature

    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)
    assert alice_phone.api.claim(laptop.id)["endorsement"] is None


def test_only_an_approved_device_of_the_same_person_endorses(
    bob: Membership, alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    pending = cast.phone(bob, approved=False, name="Pending")
    keys, onboarding_id = DeviceKeys.generate(), uuid4()
    plain = enrolment_of(keys, onboarding_id, name="Laptop")
    for endorser in (alice_phone, pending):
        signature = endorser.keys.endorse(bob.organisation_id, endorser.id, keys.identity_key)
        with pytest.raises(EndorsementInvalid):
            enrol(
                bob,
                replace(plain, endorsement=EndorsementUpload(endorser.id, signature)),
                onboarding_id,
            )
    # Signed for another organisation.
    signature = bob_phone.keys.endorse(uuid4(), bob_phone.id, keys.identity_key)
    with pytest.raises(EndorsementInvalid):
        enrol(
            bob,
            replace(plain, endorsement=EndorsementUpload(bob_phone.id, signature)),
            onboarding_id,
        )


def test_nobody_decides_about_their_own_device(alice: Membership) -> None:
    phone = cast.phone(alice, approved=False)
    herself = Actor(kind=ActorKind.MEMBER, id=alice.id, membership_id=alice.id)
    with acting_as(herself), organisation_scope(alice.organisation_id):
        with pytest.raises(OwnRequest):
            approve_device(device_id=phone.id, compared=Comparison.IN_PERSON)
        with pytest.raises(OwnRequest):
            deny_device(device_id=phone.id, reason="mine")


def test_another_organisation_s_device_can_be_neither_approved_nor_revoked(
    charlie: Membership, bob: Membership
) -> None:
    phone = cast.phone(bob, approved=False)
    with acting_as(SYSTEM), organisation_scope(charlie.organisation_id):
        with pytest.raises(NotFound):
            approve_device(device_id=phone.id, compared=Comparison.IN_PERSON)
        with pytest.raises(NotFound):
            revoke_device(device_id=phone.id, reason=RevocationReason.LOST)


def test_approving_the_first_device_activates_the_member(acme: object, alice: Membership) -> None:
    person = cast.member(alice.organisation, "Dora", status=MembershipStatus.PENDING)
    phone = cast.phone(person)
    assert phone.reload().membership.status == MembershipStatus.ACTIVE
    assert phone.api.me()["membership"]["status"] == "active"


def test_a_denied_device_loses_its_keys_and_hears_why(bob: Membership) -> None:
    phone = cast.phone(bob, approved=False)
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        deny_device(device_id=phone.id, reason="Fingerprint differs.")
        with pytest.raises(DeviceTransition):
            approve_device(device_id=phone.id, compared=Comparison.CALL)
    with pytest.raises(ApiProblem) as caught:
        phone.api.token()
    assert caught.value.code == "access_revoked"
    assert caught.value.body["wipe"] is False
    assert caught.value.body["reason"] == "Fingerprint differs."
    assert key_rows(phone) == 0


def key_rows(phone: cast.Phone) -> int:
    """Rows of any key of the device."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM keys_keybundle WHERE device_id = %(id)s)"
            " + (SELECT count(*) FROM keys_signedprekey WHERE device_id = %(id)s)"
            " + (SELECT count(*) FROM keys_onetimeprekey WHERE device_id = %(id)s)"
            " + (SELECT count(*) FROM keys_devicetoken WHERE device_id = %(id)s)",
            {"id": phone.id},
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("reason", "wipe"), [(RevocationReason.LOST, True), (RevocationReason.CUSTODY, False)]
)
def test_revocation_takes_keys_and_tokens_at_once(
    bob: Membership, bob_phone: cast.Phone, reason: RevocationReason, wipe: bool
) -> None:
    laptop = cast.phone(bob, name="Laptop")
    bob_phone.api.token()
    laptop.api.token()
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        revoke_device(device_id=bob_phone.id, reason=reason)
        with pytest.raises(DeviceTransition):
            revoke_device(device_id=bob_phone.id, reason=reason)
    assert key_rows(bob_phone) == 0
    with pytest.raises(ApiProblem) as caught:
        bob_phone.api.me()
    assert caught.value.code == "access_revoked"
    assert caught.value.body["wipe"] is wipe
    # The person's other devices go on.
    assert laptop.api.me()["membership"]["status"] == "active"


def test_an_owner_revokes_from_another_device_and_only_their_own(
    bob: Membership, bob_phone: cast.Phone, alice_phone: cast.Phone, charlie_phone: cast.Phone
) -> None:
    laptop = cast.phone(bob, name="Laptop")
    for foreign in (alice_phone.id, charlie_phone.id, uuid4()):
        with pytest.raises(ApiProblem) as caught:
            laptop.api.revoke(foreign)
        assert caught.value.status == 404
    laptop.api.revoke(bob_phone.id)
    assert bob_phone.reload().status == DeviceStatus.REVOKED
    (event,) = cast.events(bob, "device.revoked")
    assert event["data"] == {"reason": "owner", "wipe": True}


def test_a_departure_revokes_every_device_and_says_ended(
    bob: Membership, bob_phone: cast.Phone
) -> None:
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        end_membership(membership_id=bob.id, reason="left")
    assert bob_phone.reload().status == DeviceStatus.REVOKED
    with pytest.raises(ApiProblem) as caught:
        bob_phone.api.token()
    assert (caught.value.status, caught.value.code) == (403, "membership_ended")
    with pytest.raises(MembershipTransition):
        cast.phone(bob)


def test_the_identity_key_is_immutable_in_the_database_too(bob_phone: cast.Phone) -> None:
    with (
        pytest.raises(DatabaseError, match="never changes"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE keys_device SET identity_key = sha256('x') WHERE id = %s", [bob_phone.id]
        )


def test_the_approval_event_opens_the_identity_key_and_is_named_by_the_bundle(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    approvals = [
        what
        for what in cast.events(bob_phone.device, "device.approved")
        if what["data"]["identity_key"] == alice_phone.api.claim(bob_phone.id)["identity_key"]
    ]
    assert len(approvals) == 1
    row = bob_phone.reload()
    assert approvals[0]["id"] == str(row.approval_event_id)
    leaf = decode(alice_phone.api.claim(bob_phone.id)["log"]["leaf"])
    assert leaf == bytes(row.approval_leaf or b"")


def test_both_sides_show_the_same_fingerprint(bob_phone: cast.Phone) -> None:
    row = bob_phone.reload()
    assert fingerprint(bytes(row.identity_key), row.id) == fingerprint(
        bob_phone.keys.identity_key, bob_phone.id
    )
