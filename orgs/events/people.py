"""Event types of people, organisations and what belongs to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION


@event("organisation.created", ADMINISTRATION, sentence="{actor} created the organisation.")
class OrganisationCreated(What):
    """A tenant came to be."""

    name: str
    slug: str


@event(
    "member.admitted",
    ADMINISTRATION,
    sentence="{actor} admitted {target} as {role}.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class MemberAdmitted(What):
    """A membership began."""

    kind: str
    role: str
    status: str


@event(
    "member.role_changed",
    ADMINISTRATION,
    sentence="{actor} made {target} {after}.",
    severity=3,
    ocsf_class=OcsfClass.USER_ACCESS,
)
class MemberRoleChanged(What):
    """A role before and after."""

    before: str
    after: str


@event(
    "member.activated",
    ADMINISTRATION,
    sentence="{actor} activated {target}.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class MemberActivated(What):
    """A pending or suspended membership became active."""

    before: str
    reason: str


@event(
    "member.suspended",
    ADMINISTRATION,
    sentence="{actor} suspended {target}.",
    severity=3,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class MemberSuspended(What):
    """A membership was suspended."""

    reason: str


@event(
    "member.ended",
    ADMINISTRATION,
    sentence="{actor} ended {target}'s membership.",
    severity=3,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class MemberEnded(What):
    """A membership period ended."""

    reason: str


@event(
    "member.edited",
    ADMINISTRATION,
    sentence="{actor} corrected what is known of {target}.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class MemberEdited(What):
    """Name and unit, those that changed, before and after."""

    before: dict[str, str]
    after: dict[str, str]


@event(
    "member.end_changed",
    ADMINISTRATION,
    sentence="{actor} moved the end of {target}.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class MemberEndChanged(What):
    """When the membership ends by itself; None for never."""

    before: datetime | None
    after: datetime | None


@event(
    "member.end_prevented",
    ADMINISTRATION,
    sentence="{target} is the last owner: the end that was set was taken away.",
    severity=Severity.HIGH,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class MemberEndPrevented(What):
    """An alarm: the end had come, and nobody would have been left to own the organisation."""

    before: datetime | None


@event(
    "guest.sponsor_changed",
    ADMINISTRATION,
    sentence="{actor} gave the guest {target} another sponsor.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class GuestSponsorChanged(What):
    """Who answers for a guest."""

    before: UUID | None
    after: UUID


@event(
    "service_token.issued",
    ADMINISTRATION,
    sentence="{actor} issued the service token {target}.",
    severity=Severity.MEDIUM,
)
class ServiceTokenIssued(What):
    """A program may read from now on."""

    scopes: list[str]
    expires_at: datetime


@event(
    "service_token.revoked",
    ADMINISTRATION,
    sentence="{actor} revoked the service token {target}.",
    severity=Severity.MEDIUM,
)
class ServiceTokenRevoked(What):
    """It is refused from now on."""

    reason: str


@event("policy.changed", ADMINISTRATION, sentence="{actor} changed the policy.", severity=3)
class PolicyChanged(What):
    """The changed settings, before and after."""

    before: dict[str, Any]
    after: dict[str, Any]


@event(
    "account.created",
    ADMINISTRATION,
    sentence="An account was created.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class AccountCreated(What):
    """A person's account came to be (platform's own log)."""

    account_id: UUID


@event(
    "account.forgotten",
    ADMINISTRATION,
    sentence="An account that no organisation knows any more was forgotten.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class AccountForgotten(What):
    """Phone, email and secrets of an account are gone (platform's own log)."""

    account_id: UUID


@event(
    "account.phone_moved",
    ADMINISTRATION,
    sentence="A phone number changed hands.",
    severity=3,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class AccountPhoneMoved(What):
    """A number came to an account, from another if one held it (platform's own log)."""

    account_id: UUID
    previous_account_id: UUID | None


@event(
    "operator.created",
    ADMINISTRATION,
    sentence="An operator was created.",
    severity=4,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class OperatorCreated(What):
    """Somebody may create organisations (platform's own log)."""

    account_id: UUID
