"""What text messages say, and how sending one fails."""

from enum import StrEnum


class Template(StrEnum):
    """What a message says; GOV.UK Notify keeps the words itself, under an id for each."""

    PHONE_CODE = "phone_code"
    INVITATION = "invitation"
    APPROVAL_WAITING = "approval_waiting"


TEXTS = {
    Template.PHONE_CODE: "{code} is your SemaFore code, valid for 5 minutes. Don't pass it on.",
    Template.INVITATION: "{organisation} invites you to SemaFore: {link}",
    Template.APPROVAL_WAITING: "SemaFore: somebody waits for approval at {organisation}. {link}",
}


class SmsError(Exception):
    """The message was not taken. `permanent` ones are not tried again.

    The reason is for an administrator to read: it names no code, link or credential.
    """

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


TRY_AGAIN = {408, 429}


def refused(service: str, status: int, code: str = "") -> SmsError:
    """The error of an HTTP answer that isn't success: other answers than 5xx stay what they are."""
    words = f"{service} answered {status}" + (f" (error {code})" if code else "")
    return SmsError(f"{words}.", permanent=status < 500 and status not in TRY_AGAIN)  # noqa: PLR2004 - HTTP's
