"""What can go wrong with retention and holds."""

from semafore.kernel.problems import Problem


class OwnRequest(Problem):
    """Nobody decides about what they asked for themselves."""

    status, code, title = 403, "own_request", "You can't decide your own request."


class RetentionInvalid(Problem):
    """Periods below the least, or an existence period that ends before the metadata's."""

    status, code, title = 422, "retention_invalid", "These retention periods are not possible."


class RetentionRequestPending(Problem):
    """One request of a kind at a time, and no change of the periods beside it."""

    status, code, title = 409, "retention_request_pending", "A request waits for its approval."


class RetentionRequestDecided(Problem):
    """Somebody else decided first, or the request is older than seven days."""

    status, code, title = (
        409,
        "retention_request_decided",
        "This request is decided or expired already.",
    )


class HoldInvalid(Problem):
    """A hold that covers nothing, or whose period ends before it begins."""

    status, code, title = 422, "hold_invalid", "This hold is not possible."


class HoldLifted(Problem):
    """What was lifted can't be lifted again."""

    status, code, title = 409, "hold_lifted", "This hold was lifted already."
