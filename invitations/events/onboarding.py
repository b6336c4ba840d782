"""Event types of onboarding, approval, linking and changes of number."""

from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION
KEYS = EventClass.DEVICE_KEYS


@event("onboarding.started", ADMINISTRATION, sentence="A device began its onboarding for {target}.")
class OnboardingStarted(What):
    """A device opened an invitation, or used a link token."""

    onboarding_id: UUID


@event(
    "onboarding.phone_proved",
    ADMINISTRATION,
    sentence="A device proved the phone of {target}.",
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class OnboardingPhoneProved(What):
    """The code that went to the number came back."""

    onboarding_id: UUID


@event(
    "onboarding.totp_started",
    ADMINISTRATION,
    sentence="{actor} began to set up a second factor.",
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class OnboardingTotpStarted(What):
    """A TOTP key was made; it counts for nothing before a code of it comes back."""

    onboarding_id: UUID


@event(
    "onboarding.totp_proved",
    ADMINISTRATION,
    sentence="{actor} proved a second factor.",
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class OnboardingTotpProved(What):
    """A right TOTP code, of a new factor or of the person's own."""

    onboarding_id: UUID


@event("onboarding.registered", ADMINISTRATION, sentence="{target} waits for approval.")
class OnboardingRegistered(What):
    """The device is registered with its keys."""

    onboarding_id: UUID


@event(
    "onboarding.refused",
    EventClass.CLAIMS,
    sentence="A wrong code was given in the onboarding of {target} ({reason}).",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class OnboardingRefused(What):
    """A wrong code, or one while locked."""

    factor: str
    reason: str


@event(
    "phone_code.requested",
    ADMINISTRATION,
    sentence="A phone code was asked for.",
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class PhoneCodeRequested(What):
    """A code is to be sent, for an onboarding or a change of number."""

    subject_id: UUID


@event(
    "phone_code.sent",
    ADMINISTRATION,
    sentence="A phone code was sent.",
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class PhoneCodeSent(What):
    """The SMS backend took the message."""

    subject_id: UUID


@event(
    "phone_code.failed",
    ADMINISTRATION,
    sentence="A phone code could not be sent.",
    severity=Severity.LOW,
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class PhoneCodeFailed(What):
    """The SMS backend refused the message; `final` when it is not tried again."""

    subject_id: UUID
    final: bool


@event(
    "invitation.denied",
    ADMINISTRATION,
    sentence="{actor} denied what {target}'s invitation asked for ({reason}).",
    severity=Severity.LOW,
)
class InvitationDenied(What):
    """The device was denied."""

    reason: str


@event(
    "approvers.told",
    ADMINISTRATION,
    sentence="Approvers were told what waits (requests: {waiting}, people told: {recipients}).",
)
class ApproversTold(What):
    """A mail said that something waits; `reminder` when it waited for a day."""

    waiting: int
    recipients: int
    reminder: bool


@event("link_token.issued", KEYS, sentence="{actor} made a link for a further device.")
class LinkTokenIssued(What):
    """An approved device may bring in another of the same person."""

    link_token_id: UUID


@event(
    "phone_change.requested",
    ADMINISTRATION,
    sentence="{target} asked for another number.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class PhoneChangeRequested(What):
    """A code is on its way to the new number."""

    phone_change_id: UUID


@event(
    "phone_change.proved",
    ADMINISTRATION,
    sentence="{target} proved the new number.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class PhoneChangeProved(What):
    """It waits for approval."""

    phone_change_id: UUID


@event(
    "phone_change.approved",
    ADMINISTRATION,
    sentence="{actor} approved {target}'s new number.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class PhoneChangeApproved(What):
    """The numbers stand in the rows alone: events outlive the person's membership."""

    phone_change_id: UUID


@event(
    "phone_change.denied",
    ADMINISTRATION,
    sentence="{actor} denied {target}'s new number.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class PhoneChangeDenied(What):
    """The number stays as it was."""

    phone_change_id: UUID
    reason: str
