"""What can go wrong with invitations and onboardings."""

from semafore.kernel.problems import Problem


class InvitationUnknown(Problem):
    """No invitation has this token (any more)."""

    status, code, title = 404, "invitation_unknown", "There is no such invitation."


class InvitationExpired(Problem):
    """Its time is over; an administrator can extend it."""

    status, code, title = 410, "invitation_expired", "This invitation has expired."


class InvitationRevoked(Problem):
    """It was withdrawn, or declined."""

    status, code, title = 410, "invitation_revoked", "This invitation was withdrawn."


class InvitationUsed(Problem):
    """It was accepted, or waits for its approval."""

    status, code, title = 410, "invitation_used", "This invitation has been used."


class InvitationTransition(Problem):
    """The invitation's state doesn't allow this (any more)."""

    status, code, title = 409, "invitation_state", "The invitation's state doesn't allow this."


class InvitationOpen(Problem):
    """One invitation at a time for a phone number, or for an email address of the console."""

    status, code, title = 409, "invitation_open", "This person has an open invitation already."


class InvitationTerms(Problem):
    """The terms contradict the policy or each other; `field` names the one to change."""

    status, code, title = 422, "invitation_terms", "This invitation can't be issued like this."


class MemberHasDevice(Problem):
    """A replacement is for members without any device left; others link one themselves."""

    status, code, title = 409, "member_has_device", "This member has a device."


class AccountExists(Problem):
    """The invitation's address belongs to an account, which has to be signed in."""

    status, code, title = 409, "account_exists", "There is an account with this address: sign in."


class AnotherAccount(Problem):
    """The signed-in account isn't the one that the invitation was mailed to."""

    status, code, title = 403, "another_account", "This invitation is for another account."


class CsvUnreadable(Problem):
    """The file as a whole can't be read; problems of single rows stand in the report."""

    status, code, title = 422, "csv_unreadable", "This file can't be read."


class PreviewExpired(Problem):
    """A preview is confirmed within the hour, by the person who made it."""

    status, code, title = 409, "preview_expired", "This preview is not valid any more."


class OnboardingState(Problem):
    """The onboarding is past this step, or not yet there."""

    status, code, title = 409, "onboarding_state", "The onboarding is at another step."


class CodeWrong(Problem):
    """Not the code, or no longer; `attempts_left` says how many tries remain."""

    status, code, title = 403, "code_wrong", "The code is not right."


class CodeLocked(Problem):
    """Five wrong codes; the lock lifts by itself."""

    status, code, title = 423, "code_locked", "Too many wrong codes. Try again later."


class CodeLimit(Problem):
    """One code in 30 seconds and five an hour go to a number."""

    status, code, title = 429, "code_limit", "Too many codes were asked for. Try again later."


class TotpRequired(Problem):
    """The second factor must be proved before the device registers."""

    status, code, title = 403, "totp_required", "Prove your second factor first."


class SponsorNotActive(Problem):
    """A guest is admitted only while the sponsor is an active member."""

    status, code, title = 409, "sponsor_not_active", "The guest's sponsor is not an active member."


class NotKnownBefore(Problem):
    """No earlier membership of this organisation had this number."""

    status, code, title = (
        409,
        "not_known_before",
        "Nobody with this number was a member of this organisation before.",
    )


class PhoneUnchanged(Problem):
    """The number is the one that the membership has."""

    status, code, title = 409, "phone_unchanged", "This is your number already."


class PhoneInUse(Problem):
    """Another open membership of the same organisation has the number."""

    status, code, title = (
        409,
        "phone_in_use",
        "Another member of your organisation has this number.",
    )


class PhoneChangeState(Problem):
    """The change is not (or no longer) waiting for this."""

    status, code, title = 409, "phone_change_state", "This change is not waiting for that."
