"""Membership periods: beginning, role, suspension, end."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from audit.registry import What
from audit.services.recording import Ref, record
from orgs.errors import (
    AlreadyMember,
    LastOwner,
    MembershipTransition,
    OwnMembership,
    OwnRole,
    RoleAbove,
)
from orgs.events import people as events
from orgs.models import (
    Account,
    ExternalParty,
    Membership,
    MembershipChange,
    MembershipKind,
    MembershipStatus,
    Role,
    unlapsed,
)
from orgs.services.sessions import end_sessions_without_seat
from semafore.kernel import clock, hooks
from semafore.kernel.actor import current_actor
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id, lock_organisation

OPEN = (MembershipStatus.PENDING, MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)

FROM = {
    MembershipStatus.ACTIVE: (MembershipStatus.PENDING, MembershipStatus.SUSPENDED),
    MembershipStatus.SUSPENDED: (MembershipStatus.ACTIVE,),
    MembershipStatus.ENDED: OPEN,
}
"""What a membership may be before it becomes this."""


def membership_ref(membership: Membership) -> Ref:
    """A membership as events name it."""
    return Ref(kind="member", id=membership.id, label=membership.name)


def locked_membership(membership_id: UUID) -> Membership:
    """The membership under its row lock. Raises NotFound, also for another organisation's."""
    lock_organisation()
    membership = Membership.objects.select_for_update(no_key=True).filter(id=membership_id).first()
    if membership is None:
        raise NotFound
    return membership


def _change_status(
    membership: Membership, status: MembershipStatus, what: What, reason: str
) -> None:
    membership.status = status
    membership.save(update_fields=["status"])
    recorded = record(what, target=membership_ref(membership))
    MembershipChange.objects.create(
        organisation_id=membership.organisation_id,
        membership=membership,
        status=status,
        at=clock.now(),
        by_id=current_actor().membership_id,
        reason=reason,
        event_id=recorded.event_id,
    )


def keep_an_owner(membership: Membership) -> None:
    """Raises LastOwner when no other active owner would be left who stays.

    One whose end is set doesn't count: they may be gone before anybody notices.
    """
    if membership.role != Role.OWNER or membership.status != MembershipStatus.ACTIVE:
        return
    others = Membership.objects.filter(
        role=Role.OWNER, status=MembershipStatus.ACTIVE, ends_at=None
    )
    if not others.exclude(id=membership.id).exists():
        raise LastOwner


def owners_by_owners(*roles: str) -> None:
    """Raises RoleAbove when one of the roles is an owner's and the acting person is none.

    The system and the operator stand outside the roles.
    """
    actor_id = current_actor().membership_id
    if Role.OWNER not in roles or actor_id is None:
        return
    owners = Membership.objects.filter(
        unlapsed(), role=Role.OWNER, status=MembershipStatus.ACTIVE, id=actor_id
    )
    if not owners.exists():
        raise RoleAbove


def check_move(membership: Membership, to: MembershipStatus) -> None:
    """What stands against a change of status: the same rules in a preview as in the act.

    Raises OwnMembership, RoleAbove, MembershipTransition, LastOwner.
    """
    if to != MembershipStatus.ACTIVE and current_actor().membership_id == membership.id:
        raise OwnMembership
    owners_by_owners(membership.role)
    if membership.status not in FROM[to]:
        raise MembershipTransition(
            detail=f"A membership that is {membership.status} can't become {to}."
        )
    if to != MembershipStatus.ACTIVE:
        keep_an_owner(membership)


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
    _change_status(
        membership, status, events.MemberAdmitted(kind=kind, role=role, status=status), ""
    )
    return membership


@transaction.atomic
def change_role(*, membership_id: UUID, role: Role) -> Membership:
    """Give a member another role.

    Raises NotFound, OwnRole, RoleAbove, LastOwner, MembershipTransition.
    """
    membership = locked_membership(membership_id)
    if current_actor().membership_id == membership.id:
        raise OwnRole
    owners_by_owners(membership.role, role)
    if membership.status == MembershipStatus.ENDED or membership.kind == MembershipKind.GUEST:
        raise MembershipTransition(detail="Only members whose membership is open have a role.")
    if membership.role == role:
        return membership
    keep_an_owner(membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    record(events.MemberRoleChanged(before=before, after=role), target=membership_ref(membership))
    return membership


@transaction.atomic
def edit_membership(*, membership_id: UUID, name: str, unit: str) -> Membership:
    """Correct what the organisation calls the person and their unit; ended periods too.

    Nothing happens when nothing differs. Raises NotFound, RoleAbove, MembershipTransition for one
    whose name was forgotten.
    """
    membership = locked_membership(membership_id)
    owners_by_owners(membership.role)
    if not membership.name:
        raise MembershipTransition(detail="Who this was has been forgotten, and stays so.")
    wanted = {"name": name, "unit": unit}
    before = {field: getattr(membership, field) for field in wanted}
    changed = [field for field in wanted if before[field] != wanted[field]]
    if not changed:
        return membership
    membership.name, membership.unit = name, unit
    membership.save(update_fields=changed)
    what = events.MemberEdited(
        before={field: before[field] for field in changed},
        after={field: wanted[field] for field in changed},
    )
    record(what, target=membership_ref(membership))
    return membership


def _move(
    membership_id: UUID, to: MembershipStatus, reason: str, what: Callable[[str], What]
) -> Membership:
    membership = locked_membership(membership_id)
    check_move(membership, to)
    _change_status(membership, to, what(membership.status), reason)
    return membership


@transaction.atomic
def activate_membership(*, membership_id: UUID, reason: str = "") -> Membership:
    """Make a pending or suspended membership active.

    Raises NotFound, RoleAbove, MembershipTransition.
    """
    return _move(
        membership_id,
        MembershipStatus.ACTIVE,
        reason,
        lambda before: events.MemberActivated(before=before, reason=reason),
    )


@transaction.atomic
def lift_suspension(*, membership_id: UUID, reason: str) -> Membership:
    """Make a suspended membership active again. Who is pending is let in by an approval alone.

    Raises NotFound, RoleAbove, MembershipTransition.
    """
    membership = locked_membership(membership_id)
    if membership.status == MembershipStatus.PENDING:
        raise MembershipTransition(detail="The approval of the person's device activates this.")
    return activate_membership(membership_id=membership_id, reason=reason)


@transaction.atomic
def suspend_membership(*, membership_id: UUID, reason: str) -> Membership:
    """Suspend: tokens and sockets end at once, keys stay.

    Raises NotFound, OwnMembership, RoleAbove, LastOwner, MembershipTransition.
    """
    membership = _move(
        membership_id,
        MembershipStatus.SUSPENDED,
        reason,
        lambda _: events.MemberSuspended(reason=reason),
    )
    end_sessions_without_seat(account=membership.account)
    hooks.membership_suspended(hooks.MembershipChanged(membership.id, reason))
    return membership


@transaction.atomic
def end_membership(*, membership_id: UUID, reason: str) -> Membership:
    """End the period: devices, rooms, sessions go with it.

    Raises NotFound, OwnMembership, RoleAbove, LastOwner, MembershipTransition.
    """
    membership = _move(
        membership_id,
        MembershipStatus.ENDED,
        reason,
        lambda _: events.MemberEnded(reason=reason),
    )
    end_sessions_without_seat(account=membership.account)
    hooks.membership_ended(hooks.MembershipChanged(membership.id, reason))
    return membership
