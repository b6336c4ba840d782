"""Membership periods: beginning, role, suspension, end."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from audit.registry import What
from audit.services.recording import Ref, record
from orgs import events
from orgs.errors import AlreadyMember, LastOwner, MembershipTransition, OwnRole
from orgs.models import (
    Account,
    ExternalParty,
    Membership,
    MembershipChange,
    MembershipKind,
    MembershipStatus,
    Role,
)
from semafore.kernel import clock, hooks
from semafore.kernel.actor import current_actor
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id, lock_organisation

OPEN = (MembershipStatus.PENDING, MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)


def membership_ref(membership: Membership) -> Ref:
    """A membership as events name it."""
    return Ref(kind="member", id=membership.id, label=membership.name)


def _locked(membership_id: UUID) -> Membership:
    """The membership under its row lock. Raises NotFound, also for another organisation's."""
    lock_organisation()
    membership = Membership.objects.select_for_update(no_key=True).filter(id=membership_id).first()
    if membership is None:
        raise NotFound
    return membership


def _change_status(membership: Membership, status: MembershipStatus, reason: str) -> None:
    membership.status = status
    membership.save(update_fields=["status"])
    MembershipChange.objects.create(
        organisation_id=membership.organisation_id,
        membership=membership,
        status=status,
        at=clock.now(),
        by_id=current_actor().membership_id,
        reason=reason,
    )


def _keep_an_owner(membership: Membership) -> None:
    """Raises LastOwner when no other active owner would be left."""
    if membership.role != Role.OWNER or membership.status != MembershipStatus.ACTIVE:
        return
    others = Membership.objects.filter(role=Role.OWNER, status=MembershipStatus.ACTIVE)
    if not others.exclude(id=membership.id).exists():
        raise LastOwner


@transaction.atomic
def admit_member(
    *,
    account: Account,
    name: str,
    phone: str = "",
    email: str = "",
    role: Role = Role.MEMBER,
    kind: MembershipKind = MembershipKind.MEMBER,
    unit: str = "",
    status: MembershipStatus = MembershipStatus.PENDING,
    ends_at: datetime | None = None,
    sponsor: Membership | None = None,
    party: ExternalParty | None = None,
) -> Membership:
    """Begin a period in the current organisation. Raises AlreadyMember.

    `phone` (E.164) and `email` are what the organisation knows of the person.
    """
    lock_organisation()
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                organisation_id=current_organisation_id(),
                account=account,
                name=name,
                phone=phone,
                email=email,
                role=role,
                kind=kind,
                unit=unit,
                status=status,
                ends_at=ends_at,
                sponsor=sponsor,
                party=party,
            )
    except IntegrityError as error:
        if "membership_one_open_period" in str(error):
            raise AlreadyMember from None
        raise
    _change_status(membership, status, "")
    record(
        events.MemberAdmitted(kind=kind, role=role, status=status),
        target=membership_ref(membership),
    )
    return membership


@transaction.atomic
def change_role(*, membership_id: UUID, role: Role) -> Membership:
    """Give a member another role. Raises NotFound, OwnRole, LastOwner, MembershipTransition."""
    membership = _locked(membership_id)
    if current_actor().membership_id == membership.id:
        raise OwnRole
    if membership.status == MembershipStatus.ENDED or membership.kind == MembershipKind.GUEST:
        raise MembershipTransition(detail="Only members whose membership is open have a role.")
    if membership.role == role:
        return membership
    _keep_an_owner(membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    record(events.MemberRoleChanged(before=before, after=role), target=membership_ref(membership))
    return membership


def _move(
    membership_id: UUID,
    *,
    to: MembershipStatus,
    allowed_from: tuple[MembershipStatus, ...],
    reason: str,
) -> tuple[Membership, str]:
    membership = _locked(membership_id)
    before = membership.status
    if before not in allowed_from:
        raise MembershipTransition(detail=f"A membership that is {before} can't become {to}.")
    if to != MembershipStatus.ACTIVE:
        _keep_an_owner(membership)
    _change_status(membership, to, reason)
    return membership, before


def _record(what: What, membership: Membership) -> None:
    record(what, target=membership_ref(membership))


@transaction.atomic
def activate_membership(*, membership_id: UUID, reason: str = "") -> Membership:
    """Make a pending or suspended membership active. Raises NotFound, MembershipTransition."""
    membership, before = _move(
        membership_id,
        to=MembershipStatus.ACTIVE,
        allowed_from=(MembershipStatus.PENDING, MembershipStatus.SUSPENDED),
        reason=reason,
    )
    _record(events.MemberActivated(before=before, reason=reason), membership)
    return membership


@transaction.atomic
def suspend_membership(*, membership_id: UUID, reason: str) -> Membership:
    """Suspend: tokens and sockets end at once, keys stay.

    Raises NotFound, LastOwner, MembershipTransition.
    """
    membership, _before = _move(
        membership_id,
        to=MembershipStatus.SUSPENDED,
        allowed_from=(MembershipStatus.ACTIVE,),
        reason=reason,
    )
    _record(events.MemberSuspended(reason=reason), membership)
    hooks.membership_suspended(hooks.MembershipChanged(membership.id, reason))
    return membership


@transaction.atomic
def end_membership(*, membership_id: UUID, reason: str) -> Membership:
    """End the period: devices, rooms, sessions go with it.

    Raises NotFound, LastOwner, MembershipTransition.
    """
    membership, _before = _move(
        membership_id, to=MembershipStatus.ENDED, allowed_from=OPEN, reason=reason
    )
    _record(events.MemberEnded(reason=reason), membership)
    hooks.membership_ended(hooks.MembershipChanged(membership.id, reason))
    return membership
