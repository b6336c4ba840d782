"""Event types of signing in, of second factors and of sessions."""

from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event

ADMINISTRATION = EventClass.ADMINISTRATION
AUTHENTICATION = OcsfClass.AUTHENTICATION


# Signing in. What is about an account alone goes to the platform's own log: no organisation may
# time what a person does elsewhere. What is done within a console is in that organisation's log.


@event(
    "account.signed_in",
    ADMINISTRATION,
    sentence="A person signed in at the console.",
    ocsf_class=AUTHENTICATION,
)
class SignedIn(What):
    """Password and second factor were right (platform's own log)."""

    account_id: UUID


@event(
    "account.sign_in_failed",
    ADMINISTRATION,
    sentence="A sign-in failed: wrong {stage}.",
    severity=Severity.LOW,
    ocsf_class=AUTHENTICATION,
)
class SignInFailed(What):
    """A wrong password or code; no account where the email is unknown (platform's own log)."""

    account_id: UUID | None
    stage: str


@event(
    "account.locked",
    ADMINISTRATION,
    sentence="Sign-in was locked after wrong attempts ({stage}).",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class AccountLocked(What):
    """Five wrong passwords or codes for one email (platform's own log)."""

    account_id: UUID | None
    stage: str


@event(
    "account.stepped_up",
    ADMINISTRATION,
    sentence="A person gave the second factor again.",
    ocsf_class=AUTHENTICATION,
)
class SteppedUp(What):
    """The second factor again, outside any organisation (platform's own log)."""

    account_id: UUID


@event(
    "account.signed_out",
    ADMINISTRATION,
    sentence="A person signed out.",
    ocsf_class=AUTHENTICATION,
)
class SignedOut(What):
    """A session ended by its owner (platform's own log)."""

    account_id: UUID


@event(
    "account.sessions_ended",
    ADMINISTRATION,
    sentence="Sessions of a person ended: {count}, {reason}.",
    ocsf_class=AUTHENTICATION,
)
class SessionsEnded(What):
    """Sessions ended from elsewhere (platform's own log)."""

    account_id: UUID
    count: int
    reason: str


@event(
    "account.password_changed",
    ADMINISTRATION,
    sentence="A person changed their password.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class PasswordChanged(What):
    """By its owner, who knew the old one (platform's own log)."""

    account_id: UUID


@event(
    "account.password_reset",
    ADMINISTRATION,
    sentence="A person set a new password by mailed link.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class PasswordReset(What):
    """By mailed link and second factor (platform's own log)."""

    account_id: UUID


@event(
    "account.link_mailed",
    ADMINISTRATION,
    sentence="A link was mailed to a person: {purpose}.",
    ocsf_class=AUTHENTICATION,
)
class LinkMailed(What):
    """A single-use link went out (platform's own log)."""

    account_id: UUID
    purpose: str


@event(
    "account.factor_set_up",
    ADMINISTRATION,
    sentence="A person set up a second factor.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class FactorSetUp(What):
    """An authenticator was confirmed (platform's own log)."""

    account_id: UUID
    replaced: bool


@event(
    "account.factor_removed",
    ADMINISTRATION,
    sentence="A person's second factor was removed.",
    severity=Severity.HIGH,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class FactorRemoved(What):
    """After a reset by two people (platform's own log)."""

    account_id: UUID


@event(
    "account.recovery_codes_made",
    ADMINISTRATION,
    sentence="A person made new recovery codes.",
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class RecoveryCodesMade(What):
    """The codes before them are void (platform's own log)."""

    account_id: UUID


@event(
    "account.recovery_code_used",
    ADMINISTRATION,
    sentence="A recovery code was used; {left} are left.",
    severity=Severity.MEDIUM,
    ocsf_class=AUTHENTICATION,
)
class RecoveryCodeUsed(What):
    """Instead of the authenticator (platform's own log)."""

    account_id: UUID
    left: int


@event(
    "console.entered",
    ADMINISTRATION,
    sentence="{actor} entered the console.",
    ocsf_class=AUTHENTICATION,
)
class ConsoleEntered(What):
    """Once for each session; when and where the person signed in is not told."""


@event(
    "console.stepped_up",
    ADMINISTRATION,
    sentence="{actor} gave the second factor again.",
    ocsf_class=AUTHENTICATION,
)
class ConsoleSteppedUp(What):
    """For a sensitive act within this console."""


@event(
    "console.step_up_failed",
    ADMINISTRATION,
    sentence="{actor} gave a wrong second factor.",
    severity=Severity.MEDIUM,
    ocsf_class=AUTHENTICATION,
)
class ConsoleStepUpFailed(What):
    """A wrong code for a sensitive act within this console."""


@event(
    "factor_reset.requested",
    ADMINISTRATION,
    sentence="{actor} asked for a reset of {target}'s second factor.",
    severity=Severity.HIGH,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class FactorResetRequested(What):
    """Nothing is reset yet: somebody else has to approve."""

    reason: str


@event(
    "factor_reset.approved",
    ADMINISTRATION,
    sentence="{actor} approved the reset of {target}'s second factor.",
    severity=Severity.HIGH,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class FactorResetApproved(What):
    """Factor, recovery codes and sessions are gone."""

    reason: str


@event(
    "factor_reset.denied",
    ADMINISTRATION,
    sentence="{actor} denied the reset of {target}'s second factor.",
    severity=Severity.HIGH,
    ocsf_class=OcsfClass.ACCOUNT_CHANGE,
)
class FactorResetDenied(What):
    """Everything stays as it is."""

    reason: str
