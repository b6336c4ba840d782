"""What can be permitted. Roles map to sets of these (`orgs/roles.py`); views name their need."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing somebody may do in one organisation (product.md, section 1, Roles)."""

    DEVICE_OWN = "device.own"
    KEY_BUNDLE_CLAIM = "key_bundle.claim"

    CONSOLE_ENTER = "console.enter"
    PEOPLE_READ = "people.read"
    MEMBERS_INVITE = "members.invite"
    MEMBERS_APPROVE = "members.approve"
    DEVICES_REPORT_LOST = "devices.report_lost"
    PEOPLE_MANAGE = "people.manage"
    DEVICES_MANAGE = "devices.manage"
    ROOMS_MANAGE = "rooms.manage"
    ROLES_MANAGE = "roles.manage"
    POLICY_MANAGE = "policy.manage"
    SERVICE_TOKENS_MANAGE = "service_tokens.manage"
    AUDIT_READ = "audit.read"
    AUDIT_READ_TRAFFIC = "audit.read_traffic"
    AUDIT_EXPORT = "audit.export"
    SIEM_READ = "siem.read"
    SIEM_MANAGE = "siem.manage"
    INVESTIGATE = "investigate"
    """Reports, and the playbook of an investigation."""
    HOLDS_PLACE = "holds.place"
    HOLDS_LIFT = "holds.lift"
    RETENTION_MANAGE = "retention.manage"
    RETENTION_APPROVE = "retention.approve"
    BILLING_READ = "billing.read"
    MAINTENANCE_HEAR = "maintenance.hear"
    """Is mailed about maintenance; the pages show it to whoever enters the console."""
    LOG_READ = "log.read"
    """Of service tokens alone: the log's checkpoints and hashes."""


class Access(StrEnum):
    """What a view declares that asks for no permission."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    """Whoever is signed in at the console, about themselves: no organisation is entered."""
    ONBOARDING = "onboarding"
    """A device that onboards, by its session token, about itself alone."""
    OPERATOR = "operator"
    """The platform's own staff; no organisation is entered."""


Requirement = Permission | Access
