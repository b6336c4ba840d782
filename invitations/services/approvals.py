"""The decision about a device: with it go membership, number, second factor and invitation."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from invitations.errors import NotKnownBefore, SponsorNotActive
from invitations.events import onboarding as events
from invitations.events.invitations import InvitationAccepted, InvitationRevoked
from invitations.models import Invitation, Onboarding, Purpose, State
from invitations.selectors.onboarding import known_before
from invitations.services.progress import advance, locked_invitation
from invitations.services.terms import check_approver
from keys.models import Comparison, Device
from keys.services.enrolment import (
    LIVE,
    approve_device,
    deny_device,
    pending_device,
)
from orgs.errors import AlreadyMember, FactorExists, MembershipTransition
from orgs.models import Membership, MembershipStatus, Policy, SecondDeviceApproval
from orgs.selectors.sign_in import needs_factor_link
from orgs.services.accounts import move_phone
from orgs.services.factors import adopt_factor
from orgs.services.memberships import end_membership
from semafore.kernel import clock, hooks
from semafore.kernel.problems import Invalid, NotFound, NotPermitted, Problem
from semafore.kernel.tenancy import lock_organisation

BATCH_MAX = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """An approval, one of a batch."""

    device_id: UUID
    compared: Comparison
    same_person: bool = False


@transaction.atomic
def approve(*, device_id: UUID, compared: Comparison, same_person: bool = False) -> Device:
    """Approve a pending device, and with a first device the membership, in one step.

    The proved number moves to the person's account now. `same_person`: the approver affirms that
    this is who was a member with this number before; their account is joined. Raises NotFound,
    DeviceTransition, OwnRequest, NotPermitted, RoleAbove, MembershipTransition,
    InvitationTransition, SponsorNotActive, NotKnownBefore, AlreadyMember.
    """
    device = pending_device(device_id)
    check_approver(device.membership)
    onboarding = Onboarding.objects.filter(device=device).first()
    invitation = _locked_invitation(onboarding)
    member = device.membership
    if member.status == MembershipStatus.PENDING:
        _check_promise(member)
        # An endorsement says who it is, and better.
        if same_person and not (onboarding and onboarding.account_id):
            _join_earlier(member)
        if member.phone:
            move_phone(account=member.account, phone=member.phone)
    device = approve_device(device_id=device_id, compared=compared)
    _adopt_factor(onboarding, member)
    if invitation is not None:
        accepted = InvitationAccepted(
            purpose=invitation.purpose, membership_id=member.id, same_person=same_person
        )
        advance(invitation, State.ACCEPTED, accepted)
        if invitation.purpose == Purpose.GUEST:
            hooks.guest_admitted(hooks.GuestAdmitted(member.id, invitation.room_id))
    return device


@transaction.atomic
def approve_own_device(*, membership_id: UUID, device_id: UUID, compared: Comparison) -> Device:
    """Let a linked device of the same person in, where the policy leaves that to the person.

    Raises NotFound, NotPermitted, DeviceTransition, MembershipTransition.
    """
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    if not Device.objects.filter(id=device_id, membership_id=membership_id).exists():
        raise NotFound
    lock_organisation()
    onboarding = Onboarding.objects.filter(device_id=device_id, link_token__isnull=False).first()
    policy = Policy.objects.get().second_device_approval
    if onboarding is None or policy != SecondDeviceApproval.OWN_DEVICE:
        raise NotPermitted(detail="An administrator has to approve this device.")
    device = approve_device(device_id=device_id, compared=compared, by_owner=True)
    _adopt_factor(onboarding, device.membership)
    return device


def approve_many(*, decisions: Sequence[Decision]) -> dict[UUID, Device | Problem]:
    """Approve up to 100 devices, each in a transaction of its own; one refusal stops no other.

    Raises Invalid for more.
    """
    if len(decisions) > BATCH_MAX:
        raise Invalid(detail=f"At most {BATCH_MAX} devices are approved at once.")
    outcomes: dict[UUID, Device | Problem] = {}
    for decision in decisions:
        try:
            outcomes[decision.device_id] = approve(
                device_id=decision.device_id,
                compared=decision.compared,
                same_person=decision.same_person,
            )
        except Problem as problem:
            outcomes[decision.device_id] = problem
    return outcomes


@transaction.atomic
def deny(*, device_id: UUID, reason: str) -> Device:
    """Deny a pending device for a reason that the person sees; a membership made for it ends.

    Raises NotFound, DeviceTransition, OwnRequest, InvitationTransition.
    """
    lock_organisation()
    onboarding = Onboarding.objects.filter(device_id=device_id).first()
    invitation = _locked_invitation(onboarding)
    device = deny_device(device_id=device_id, reason=reason)
    member = device.membership
    others = Device.objects.filter(membership=member, status__in=LIVE)
    if member.status == MembershipStatus.PENDING and not others.exists():
        end_membership(membership_id=member.id, reason=reason)
    if invitation is not None:
        denied = events.InvitationDenied(reason=reason)
        advance(invitation, State.DECLINED, denied, reason=reason)
    return device


def on_device_revoked(revoked: hooks.DeviceRevoked) -> None:
    """A device that waited is no more: nor are its invitation, and the membership made for it.

    Else the number would stay taken, with nothing left to decide.
    """
    onboarding = Onboarding.objects.filter(device_id=revoked.device_id).first()
    invitation = _locked_invitation(onboarding)
    if invitation is None or invitation.state != State.AWAITING_APPROVAL:
        return
    reason = "The device that waited for approval was revoked."
    advance(invitation, State.REVOKED, InvitationRevoked(reason=reason), reason=reason)
    member = Membership.objects.get(id=revoked.membership_id)
    others = Device.objects.filter(membership=member, status__in=LIVE)
    if member.status == MembershipStatus.PENDING and not others.exists():
        end_membership(membership_id=member.id, reason=reason)


def _locked_invitation(onboarding: Onboarding | None) -> Invitation | None:
    if onboarding is None or onboarding.invitation_id is None:
        return None
    return locked_invitation(onboarding.invitation_id)


def _check_promise(member: Membership) -> None:
    """Raises SponsorNotActive, MembershipTransition when what was promised can't be given now."""
    if member.sponsor is not None and member.sponsor.status != MembershipStatus.ACTIVE:
        raise SponsorNotActive(
            detail=f"{member.sponsor.name}, who sponsors this guest, is {member.sponsor.status}."
        )
    if member.ends_at is not None and member.ends_at <= clock.now():
        raise MembershipTransition(detail="This membership's end has passed.")


def _join_earlier(member: Membership) -> None:
    """Put the account of the earlier membership in place of the one made at registration.

    Only this organisation's own past counts, so nothing is learnt of any other's. Raises
    NotKnownBefore, AlreadyMember.
    """
    earlier = known_before(member)
    if not earlier:
        raise NotKnownBefore
    placeholder = member.account
    if placeholder.id == earlier[0].account_id:
        return
    open_here = Membership.objects.filter(account_id=earlier[0].account_id).exclude(
        status=MembershipStatus.ENDED
    )
    if open_here.exists():
        raise AlreadyMember
    member.account = earlier[0].account
    member.save(update_fields=["account"])
    placeholder.delete()


def _adopt_factor(onboarding: Onboarding | None, member: Membership) -> None:
    """The factor that was proved on the way in is the person's now; one they had stays.

    After a reset, who signs in at the console sets the next one up there, by mailed link and
    password: not by a phone and an approval.
    """
    if onboarding is None or onboarding.totp_proven_at is None:
        return
    if needs_factor_link(member.account) and member.account.has_usable_password():
        return
    if onboarding.totp_key is not None and onboarding.totp_last_step is not None:
        with suppress(FactorExists):
            adopt_factor(
                account=member.account,
                sealed_key=bytes(onboarding.totp_key),
                last_step=onboarding.totp_last_step,
            )
