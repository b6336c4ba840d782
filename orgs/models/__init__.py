"""Accounts span organisations; everything else here belongs to one."""

from orgs.models.people import (
    Account,
    ExternalParty,
    Membership,
    MembershipChange,
    MembershipKind,
    MembershipStatus,
    Organisation,
    Role,
    new_log_id,
    unlapsed,
)
from orgs.models.policy import (
    DEVICES_PER_MEMBER,
    GUEST_STAY_DAYS,
    Policy,
    SecondDeviceApproval,
    default_managed_app,
)
from orgs.models.service_tokens import Scope, ServiceToken

__all__ = (
    "DEVICES_PER_MEMBER",
    "GUEST_STAY_DAYS",
    "Account",
    "ExternalParty",
    "Membership",
    "MembershipChange",
    "MembershipKind",
    "MembershipStatus",
    "Organisation",
    "Policy",
    "Role",
    "Scope",
    "SecondDeviceApproval",
    "ServiceToken",
    "default_managed_app",
    "new_log_id",
    "unlapsed",
)
