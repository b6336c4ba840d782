"""Which role may do what: the table of product.md, section 1. And which scope of a token."""

from collections.abc import Mapping
from types import MappingProxyType

from orgs.models import MembershipKind, Role, Scope
from semafore.kernel.permissions import Permission

EVERYONE = frozenset({Permission.DEVICE_OWN, Permission.KEY_BUNDLE_CLAIM})
ENTERING = frozenset({Permission.CONSOLE_ENTER, Permission.PEOPLE_READ})
HELPING = frozenset(
    {Permission.MEMBERS_INVITE, Permission.MEMBERS_APPROVE, Permission.DEVICES_REPORT_LOST}
)
MANAGING = frozenset(
    {
        Permission.PEOPLE_MANAGE,
        Permission.DEVICES_MANAGE,
        Permission.ROOMS_MANAGE,
        Permission.RETENTION_APPROVE,
        Permission.MAINTENANCE_HEAR,
    }
)
OWNING = frozenset(
    {
        Permission.ROLES_MANAGE,
        Permission.POLICY_MANAGE,
        Permission.SERVICE_TOKENS_MANAGE,
        Permission.RETENTION_MANAGE,
        Permission.HOLDS_LIFT,
        Permission.SIEM_MANAGE,
    }
)
EXAMINING = frozenset(
    {
        Permission.AUDIT_READ,
        Permission.AUDIT_READ_TRAFFIC,
        Permission.AUDIT_EXPORT,
        Permission.HOLDS_PLACE,
        Permission.INVESTIGATE,
        Permission.SIEM_READ,
        Permission.BILLING_READ,
    }
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.OWNER: EVERYONE | ENTERING | HELPING | MANAGING | OWNING | EXAMINING,
        Role.ADMIN: EVERYONE | ENTERING | HELPING | MANAGING | {Permission.AUDIT_READ},
        Role.HELPDESK: EVERYONE | ENTERING | HELPING,
        Role.AUDITOR: EVERYONE | ENTERING | EXAMINING,
        Role.MEMBER: EVERYONE,
    }
)

GUEST_PERMISSIONS = EVERYONE
"""A guest's reach is limited by its rooms, not by its permissions."""

SCOPE_PERMISSIONS: Mapping[Scope, frozenset[Permission]] = MappingProxyType(
    {
        # Only owners make tokens: these read what owners read.
        Scope.AUDIT_READ: frozenset(
            {Permission.AUDIT_READ, Permission.AUDIT_READ_TRAFFIC, Permission.INVESTIGATE}
        ),
        Scope.AUDIT_EXPORT: frozenset({Permission.AUDIT_EXPORT}),
        Scope.LOG_READ: frozenset({Permission.LOG_READ}),
    }
)


def permissions_of(kind: str, role: str) -> frozenset[Permission]:
    """What an active membership of this kind and role may do."""
    if kind == MembershipKind.GUEST:
        return GUEST_PERMISSIONS
    return ROLE_PERMISSIONS[Role(role)]
