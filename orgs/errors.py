"""What can go wrong with people and organisations."""

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


class AlreadyMember(Problem):
    """The person has an open period in this organisation."""

    status, code, title = 409, "already_member", "This person is a member already."


class MembershipTransition(Problem):
    """The status doesn't allow this change (any more)."""

    status, code, title = 409, "membership_status", "The membership's status doesn't allow this."


class PolicyInvalid(Problem):
    """A policy that contradicts itself or a legal minimum."""

    status, code, title = 422, "policy_invalid", "This policy is not possible."


class PhoneInvalid(Problem):
    """Not a phone number that can exist."""

    status, code, title = 422, "phone_invalid", "This is not a valid phone number."
