"""The device registers with its keys; from then on it waits for an administrator."""

from dataclasses import replace
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from invitations.errors import OnboardingState, TotpRequired
from invitations.events import onboarding as events
from invitations.models import Onboarding, Purpose, State
from invitations.selectors.onboarding import holds_factor, totp_needed
from invitations.services.onboarding import locked_onboarding, onboarding_ref
from invitations.services.progress import advance
from invitations.tasks.onboarding import tell_approvers_of
from keys.curve import verify_xeddsa
from keys.errors import EndorsementInvalid
from keys.messages import endorsement_message
from keys.models import Device, DeviceStatus
from keys.services.enrolment import Enrolment, check_enrolment, enrol_device
from keys.services.tokens import NOBODY
from orgs.models import Account, Membership, MembershipKind, MembershipStatus, Role
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member
from semafore.kernel.problems import Problem
from semafore.kernel.tasks import queue_after_commit
from semafore.kernel.tenancy import locate, lock_organisation


def register_device(*, onboarding_id: UUID, enrolment: Enrolment) -> Device:
    """Register the device, with a pending membership where the person has none here.

    A replay answers the same device and changes nothing. Raises what `enrol_device` raises,
    NotFound, OnboardingState, TotpRequired, AlreadyMember, and as the invitation's state asks.
    """
    check_enrolment(onboarding_id, enrolment)
    outcome = _register(onboarding_id, enrolment)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


@transaction.atomic
def _register(onboarding_id: UUID, enrolment: Enrolment) -> Device | Problem:
    lock_organisation()
    onboarding = locked_onboarding(onboarding_id)
    if onboarding.device_id is not None and onboarding.membership_id is not None:
        # Either the same device, or refused as another.
        return enrol_device(
            membership_id=onboarding.membership_id,
            onboarding_id=onboarding.id,
            enrolment=enrolment,
        )
    if onboarding.phone and onboarding.phone_verified_at is None:
        raise OnboardingState(detail="Prove the phone first.")
    if onboarding.membership is None and enrolment.endorsement is not None:
        _learn_account(onboarding, enrolment)
        # By a device of another organisation, perhaps: no trace of it stays on ours.
        enrolment = replace(enrolment, endorsement=None)
    if totp_needed(onboarding):
        # Returned and not raised: whose second factor it is must stay known.
        return TotpRequired()
    membership = onboarding.membership or _pending_membership(onboarding)
    device = enrol_device(
        membership_id=membership.id, onboarding_id=onboarding.id, enrolment=enrolment
    )
    onboarding.membership, onboarding.device = membership, device
    onboarding.save(update_fields=["membership", "device"])
    _advance(onboarding, membership)
    queue_after_commit(tell_approvers_of, onboarding.organisation_id)
    return device


def _advance(onboarding: Onboarding, membership: Membership) -> None:
    registered = events.OnboardingRegistered(onboarding_id=onboarding.id)
    invitation = onboarding.invitation
    if invitation is None:
        record(registered, target=onboarding_ref(onboarding))
        return
    advance(invitation, State.AWAITING_APPROVAL, registered)
    if invitation.membership_id is None:
        invitation.membership = membership
        invitation.save(update_fields=["membership"])


def _learn_account(onboarding: Onboarding, enrolment: Enrolment) -> None:
    """Join the account that has the proved number, if an approved device of it signs for the key.

    In whatever organisation that device is. Raises EndorsementInvalid, the same for a device that
    doesn't exist, isn't approved, or is somebody else's. To get here takes the number itself.
    """
    endorsement = enrolment.endorsement
    if endorsement is None:
        return
    endorser = (
        locate(Device)
        .select_related("membership__account")
        .filter(
            id=endorsement.device_id,
            status=DeviceStatus.APPROVED,
            membership__status=MembershipStatus.ACTIVE,
            membership__account__phone=onboarding.phone,
        )
        .first()
    )
    message = endorsement_message(
        onboarding.organisation_id, endorsement.device_id, enrolment.identity_key
    )
    identity_key = bytes(endorser.identity_key) if endorser else NOBODY
    if not verify_xeddsa(identity_key, message, endorsement.signature) or endorser is None:
        raise EndorsementInvalid
    if onboarding.account_id != endorser.membership.account_id:
        onboarding.account = endorser.membership.account
        if holds_factor(onboarding):
            # What was proved for somebody yet unknown is not the factor that this person has.
            onboarding.totp_proven_at = None
        onboarding.save(update_fields=["account", "totp_proven_at"])


def _pending_membership(onboarding: Onboarding) -> Membership:
    """What the invitation promises, pending; the number moves to the account at the approval."""
    invitation = onboarding.invitation
    if invitation is None:
        raise OnboardingState
    account: Account = onboarding.account or create_account()
    guest = invitation.purpose == Purpose.GUEST
    return admit_member(
        account=account,
        name=invitation.name,
        phone=invitation.phone,
        email=invitation.email,
        role=Role(invitation.role),
        kind=MembershipKind.GUEST if guest else MembershipKind.MEMBER,
        unit=invitation.unit,
        ends_at=invitation.membership_ends_at,
        sponsor=invitation.sponsor,
        party=invitation.party,
    )
