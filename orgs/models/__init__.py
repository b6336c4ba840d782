"""Accounts span organisations; everything else here belongs to one."""

from orgs.models.billing import BillingRecord, SeatCount, SeatKind
from orgs.models.mail import Mail
from orgs.models.maintenance import (
    SUMMARY_LENGTH,
    MaintenanceKind,
    MaintenanceMail,
    MaintenanceNotice,
    MaintenanceOccasion,
    MaintenanceStatus,
    MaintenanceStep,
    MaintenanceWindow,
)
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
from orgs.models.sign_in import (
    Attempts,
    Factor,
    FactorReset,
    FactorResetStatus,
    LinkPurpose,
    MailedLink,
    RecoveryCode,
    Session,
)

__all__ = (
    "DEVICES_PER_MEMBER",
    "GUEST_STAY_DAYS",
    "SUMMARY_LENGTH",
    "Account",
    "Attempts",
    "BillingRecord",
    "ExternalParty",
    "Factor",
    "FactorReset",
    "FactorResetStatus",
    "LinkPurpose",
    "Mail",
    "MailedLink",
    "MaintenanceKind",
    "MaintenanceMail",
    "MaintenanceNotice",
    "MaintenanceOccasion",
    "MaintenanceStatus",
    "MaintenanceStep",
    "MaintenanceWindow",
    "Membership",
    "MembershipChange",
    "MembershipKind",
    "MembershipStatus",
    "Organisation",
    "Policy",
    "RecoveryCode",
    "Role",
    "Scope",
    "SeatCount",
    "SeatKind",
    "SecondDeviceApproval",
    "ServiceToken",
    "Session",
    "default_managed_app",
    "new_log_id",
    "unlapsed",
)
