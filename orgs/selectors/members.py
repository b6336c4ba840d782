"""Reads of an organisation's people."""

import re
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from orgs.models import (
    Membership,
    MembershipChange,
    MembershipKind,
    MembershipStatus,
    unlapsed,
)
from orgs.roles import ROLE_PERMISSIONS
from semafore.kernel.hooks import PermissionHolders
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

_NOT_OF_A_NUMBER = re.compile(r"[\s().-]")


def matching(text: str, path: str = "") -> Q:
    """Whose name begins so, in any case of letters, or whose phone number; `path` leads to them."""
    number = _NOT_OF_A_NUMBER.sub("", text)
    if number.removeprefix("+").isdigit():
        return Q(**{f"{path}phone__startswith": f"+{number.removeprefix('+')}"})
    return Q(**{f"{path}name__istartswith": text})


def members(
    *, text: str = "", unit: str = "", role: str = "", status: str = "", kind: str = ""
) -> QuerySet[Membership]:
    """The memberships that fit, ended ones among them."""
    exactly: dict[str, Any] = {"role": role, "status": status, "kind": kind, "unit__iexact": unit}
    found = Membership.objects.filter(**{name: value for name, value in exactly.items() if value})
    return found.filter(matching(text)) if text else found


def member(membership_id: UUID) -> Membership:
    """One of them, with sponsor and party. Raises NotFound."""
    found = Membership.objects.select_related("sponsor", "party").filter(id=membership_id).first()
    if found is None:
        raise NotFound
    return found


def memberships_of(person: Membership) -> list[Membership]:
    """The same person's in the organisation: this one, then those of other times, newest first."""
    same = Membership.objects.filter(account=person.account_id).exclude(id=person.id)
    return [person, *same.order_by("-created_at", "-id")]


def changes_of(membership_id: UUID) -> QuerySet[MembershipChange]:
    """The history of a membership's status, newest first, with who changed it."""
    changes = MembershipChange.objects.filter(membership_id=membership_id)
    return changes.select_related("by").order_by("-id")


def present_members() -> QuerySet[Membership]:
    """Active members whose end has not come; no guests."""
    return Membership.objects.filter(
        unlapsed(), kind=MembershipKind.MEMBER, status=MembershipStatus.ACTIVE
    )


def holders_of(permission: Permission) -> QuerySet[Membership]:
    """The members who may do this just now, by name."""
    roles = [role for role, may in ROLE_PERMISSIONS.items() if permission in may]
    return present_members().filter(role__in=roles).order_by("name", "id")


def on_permission_holders(payload: PermissionHolders) -> None:
    """Handler of the kernel's hook."""
    holders = holders_of(payload.permission).filter(id__in=payload.membership_ids)
    payload.found.update(holders.values_list("id", flat=True))
