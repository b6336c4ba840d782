"""What can go wrong with people and organisations."""

from datetime import datetime

from semafore.kernel.problems import Problem


class LastOwner(Problem):
    """An organisation keeps at least one active owner."""

    status, code, title = 409, "last_owner", "The last owner can't be demoted, suspended or ended."


class OwnRequest(Problem):
    """Nobody decides about themselves."""

    status, code, title = 403, "own_request", "You can't decide your own request."


class OwnRole(Problem):
    """Nobody raises their own role."""

    status, code, title = 403, "own_role", "You can't change your own role."


class OwnMembership(Problem):
    """Nobody suspends or ends themselves, or moves their own end: somebody else looks at it too."""

    status, code, title = 403, "own_membership", "You can't suspend or end your own membership."


class RoleAbove(Problem):
    """Nobody acts on a role above their own: on owners only owners do."""

    status, code, title = 403, "role_above", "Only an owner can do this to an owner."


class EndInvalid(Problem):
    """An end that has passed, or that a guest may not have."""

    status, code, title = 422, "end_invalid", "The membership can't end then."


class SponsorInvalid(Problem):
    """Only an active member answers for guests."""

    status, code, title = 422, "sponsor_invalid", "The sponsor must be an active member."


class AlreadyMember(Problem):
    """The person has an open period in this organisation."""

    status, code, title = 409, "already_member", "This person is a member already."


class MembershipTransition(Problem):
    """The status doesn't allow this change (any more)."""

    status, code, title = 409, "membership_status", "The membership's status doesn't allow this."


class PolicyInvalid(Problem):
    """A policy that contradicts itself or a legal minimum."""

    status, code, title = 422, "policy_invalid", "This policy is not possible."


class ServiceTokenInvalid(Problem):
    """A service token without a scope, or with an end that is not within a year."""

    status, code, title = 422, "service_token_invalid", "This service token is not possible."


class ServiceTokenTransition(Problem):
    """The service token was revoked already."""

    status, code, title = 409, "service_token_status", "The service token was revoked already."


class PhoneInvalid(Problem):
    """Not a phone number that can exist."""

    status, code, title = 422, "phone_invalid", "This is not a valid phone number."


class SignInRefused(Problem):
    """Which of the two was wrong, or whether there is such an account, is not said."""

    status, code, title = 401, "sign_in_refused", "The email or the password is not right."


class CodeRefused(Problem):
    """Not a code of the authenticator just now, nor an unused recovery code."""

    status, code, title = 401, "second_factor_refused", "The code is not right, or was used before."


class SignInLocked(Problem):
    """Too many wrong passwords or codes for this email, whether or not it is known."""

    status, code, title = 423, "sign_in_locked", "Too many wrong attempts."


class FactorExists(Problem):
    """A second factor was set up already."""

    status, code, title = 409, "factor_exists", "A second factor has been set up already."


class LinkInvalid(Problem):
    """Unknown, used or expired: they are not told apart."""

    status, code, title = 410, "link_invalid", "This link is not valid any more. Ask for a new one."


class PasswordRefused(Problem):
    """The new password is too short, too common or too much like the email."""

    status, code, title = 422, "password_refused", "This password is not good enough."


class EmailTaken(Problem):
    """There is an account with this email: its owner signs in."""

    status, code, title = 409, "email_taken", "There is an account with this email already."


class FactorResetPending(Problem):
    """One request at a time."""

    status, code, title = 409, "factor_reset_pending", "A reset waits for its approval already."


class FactorResetDecided(Problem):
    """Somebody else decided first, or the request is too old."""

    status, code, title = 409, "factor_reset_decided", "This request is decided or expired already."


class Maintenance(Problem):
    """A window of maintenance closes everything; `until` is when it is to end."""

    status, code, title = 503, "maintenance", "Closed for maintenance."

    @property
    def until(self) -> datetime:
        """The same as a moment, for the page."""
        return datetime.fromisoformat(self.members["until"])


class MaintenanceInvalid(Problem):
    """A window that ends before it starts, lies in the past or is too long."""

    status, code, title = 422, "maintenance_invalid", "This window is not possible."


class MaintenanceNoticeTooShort(Problem):
    """Organisations were promised to be told earlier; an emergency says why they aren't."""

    status, code, title = 422, "maintenance_notice_too_short", "The notice is too short."


class MaintenanceTransition(Problem):
    """The window has begun, ended or been cancelled (in the meantime)."""

    status, code, title = 409, "maintenance_status", "The window's status doesn't allow this."
