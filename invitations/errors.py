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
