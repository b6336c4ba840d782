"""Enrolment and the decision about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from audit.services.recording import record
from keys import events
from keys.curve import verify_xeddsa
from keys.errors import (
    DeviceLimitReached,
    DeviceTransition,
    EndorsementInvalid,
    IdentityKeyInUse,
    OnboardingUsed,
    SignatureInvalid,
)
from keys.messages import endorsement_message, enrolment_message
from keys.models import Comparison, Device, DeviceStatus, KeyBundle, Platform
from keys.models.prekeys import OwnBundle
from keys.services.bundles import append_one_time_pre_keys, device_ref, install_signed_pre_key
from keys.services.revocation import delete_keys
from keys.uploads import (
    OneTimePreKeyUpload,
    SignedPreKeyUpload,
    check_identity_key,
    check_upload,
)
from orgs.errors import MembershipTransition, OwnRequest
from orgs.models import Membership, MembershipStatus, Policy
from orgs.services.memberships import activate_membership, membership_ref
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.names import called
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import lock_organisation

LIVE = (DeviceStatus.PENDING, DeviceStatus.APPROVED)


@dataclass(frozen=True, slots=True)
class EndorsementUpload:
    """An approved device of the same person signs the new identity key."""

    device_id: UUID
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a device sends to register (api.md, `POST onboarding/{id}/device`)."""

    name: str
    platform: Platform
    registration_id: int
    identity_key: bytes
    signed_pre_key: SignedPreKeyUpload
    one_time_pre_keys: Sequence[OneTimePreKeyUpload]
    proof: bytes
    endorsement: EndorsementUpload | None = None


def check_enrolment(onboarding_id: UUID, enrolment: Enrolment) -> None:
    """All that can be known without the database, so that no lock is held for a bad signature.

    Raises PublicKeyInvalid, SignatureInvalid, TooManyKeys.
    """
    check_identity_key(enrolment.identity_key)
    message = enrolment_message(onboarding_id, enrolment.identity_key)
    if not verify_xeddsa(enrolment.identity_key, message, enrolment.proof):
        raise SignatureInvalid(detail="The proof of possession is not valid.", field="proof")
    check_upload(enrolment.identity_key, enrolment.signed_pre_key, enrolment.one_time_pre_keys)


@transaction.atomic
def enrol_device(*, membership_id: UUID, onboarding_id: UUID, enrolment: Enrolment) -> Device:
    """Register a device, pending approval, with its first bundle.

    The proof is the identity key's signature over this onboarding: one that was captured is of no
    use in another. A replay answers the same device and changes nothing. Raises PublicKeyInvalid,
    SignatureInvalid, TooManyKeys, NotFound, MembershipTransition, OnboardingUsed,
    DeviceLimitReached, EndorsementInvalid, IdentityKeyInUse.
    """
    check_enrolment(onboarding_id, enrolment)
    lock_organisation()
    membership = Membership.objects.filter(id=membership_id).first()
    if membership is None:
        raise NotFound
    known = Device.objects.filter(onboarding_id=onboarding_id).first()
    if known is not None:
        same = bytes(known.identity_key) == enrolment.identity_key
        if not same or known.membership_id != membership_id:
            raise OnboardingUsed
        return known
    if membership.status not in (MembershipStatus.PENDING, MembershipStatus.ACTIVE):
        raise MembershipTransition(detail=f"The membership is {membership.status}.")
    live = Device.objects.filter(membership=membership, status__in=LIVE).count()
    if live >= Policy.objects.get().devices_per_member:
        raise DeviceLimitReached
    endorser = _endorser(membership, enrolment)
    device = _create(membership, onboarding_id, enrolment, endorser)
    record(
        events.DeviceEnrolled(
            platform=device.platform,
            identity_key=enrolment.identity_key,
            endorsed_by=endorser.id if endorser else None,
        ),
        target=device_ref(device),
        subject=membership_ref(membership),
    )
    KeyBundle.objects.create(organisation_id=device.organisation_id, device=device)
    bundle = OwnBundle(
        organisation_id=device.organisation_id,
        device_id=device.id,
        device_name=device.name,
        identity_key=enrolment.identity_key,
        available=0,
        highest_key_id=0,
    )
    install_signed_pre_key(bundle, enrolment.signed_pre_key)
    append_one_time_pre_keys(bundle, enrolment.one_time_pre_keys)
    return device


def _endorser(membership: Membership, enrolment: Enrolment) -> Device | None:
    endorsement = enrolment.endorsement
    if endorsement is None:
        return None
    endorser = Device.objects.filter(
        id=endorsement.device_id, membership=membership, status=DeviceStatus.APPROVED
    ).first()
    if endorser is None:
        raise EndorsementInvalid(detail="The endorsing device is not an approved one of yours.")
    message = endorsement_message(membership.organisation_id, endorser.id, enrolment.identity_key)
    if not verify_xeddsa(bytes(endorser.identity_key), message, endorsement.signature):
        raise EndorsementInvalid
    return endorser


def _create(
    membership: Membership, onboarding_id: UUID, enrolment: Enrolment, endorser: Device | None
) -> Device:
    try:
        with transaction.atomic():
            return Device.objects.create(
                organisation_id=membership.organisation_id,
                membership=membership,
                onboarding_id=onboarding_id,
                name=enrolment.name,
                platform=enrolment.platform,
                registration_id=enrolment.registration_id,
                identity_key=enrolment.identity_key,
                endorser=endorser,
                endorsement_signature=(
                    enrolment.endorsement.signature if enrolment.endorsement else None
                ),
            )
    except IntegrityError as error:
        if "identity_key" in str(error):
            raise IdentityKeyInUse from None
        raise


@transaction.atomic
def approve_device(*, device_id: UUID, compared: Comparison, by_owner: bool = False) -> Device:
    """Approve a pending device, and with its first device a pending member, in one step.

    `by_owner`: the person's own approved device does it, where the policy lets it. Raises NotFound,
    DeviceTransition (somebody decided already), OwnRequest, MembershipTransition.
    """
    device = pending_device(device_id, by_owner=by_owner)
    if device.membership.status == MembershipStatus.PENDING:
        activate_membership(membership_id=device.membership_id)
    elif device.membership.status != MembershipStatus.ACTIVE:
        raise MembershipTransition(detail=f"The membership is {device.membership.status}.")
    recorded = record(
        events.DeviceApproved(
            device_id=device.id, identity_key=bytes(device.identity_key), compared=compared
        ),
        target=device_ref(device),
        subject=membership_ref(device.membership),
    )
    device.status = DeviceStatus.APPROVED
    device.compared = compared
    device.approval_event_id, device.approval_leaf = recorded.event_id, recorded.leaf
    _decide(device, ["status", "compared", "approval_event_id", "approval_leaf"])
    return device


@transaction.atomic
def deny_device(*, device_id: UUID, reason: str) -> Device:
    """Deny a pending device; its keys go, the reason is shown to the person.

    Raises NotFound, DeviceTransition, OwnRequest.
    """
    device = pending_device(device_id)
    record(
        events.DeviceDenied(reason=reason),
        target=device_ref(device),
        subject=membership_ref(device.membership),
    )
    device.status = DeviceStatus.DENIED
    device.denial_reason = reason
    _decide(device, ["status", "denial_reason"])
    delete_keys(device.id)
    return device


def pending_device(device_id: UUID, *, by_owner: bool = False) -> Device:
    """The device to be decided about, under the organisation's lock and its own.

    Raises NotFound, DeviceTransition (which says who decided, and when), OwnRequest.
    """
    lock_organisation()
    device = (
        Device.objects.select_for_update(of=("self",), no_key=True)
        .select_related("membership", "decided_by")
        .filter(id=device_id)
        .first()
    )
    if device is None:
        raise NotFound
    if device.status != DeviceStatus.PENDING:
        raise DeviceTransition(detail=_decision(device))
    if not by_owner and current_actor().membership_id == device.membership_id:
        raise OwnRequest
    return device


def _decision(device: Device) -> str:
    if device.decided_at is None or device.status == DeviceStatus.REVOKED:
        return f"The device is {device.status} already."
    who = called(device.decided_by, "The server")
    word = "denied" if device.status == DeviceStatus.DENIED else "approved"
    return f"{who} {word} this device on {device.decided_at:%-d %B %Y at %H:%M} UTC."


def _decide(device: Device, changed: list[str]) -> None:
    device.decided_at = clock.now()
    device.decided_by_id = current_actor().membership_id
    device.save(update_fields=[*changed, "decided_at", "decided_by"])
