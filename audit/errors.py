"""What can go wrong with retention, holds and exports, and with a whole database."""

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


class SiemInvalid(Problem):
    """An address, a secret, a certificate or a place that can't be; the detail says which."""

    status, code, title = 422, "siem_invalid", "This destination is not possible."


class SiemNameTaken(Problem):
    """Two destinations of one name can't be told apart in the log."""

    status, code, title = 409, "siem_name_taken", "There is a destination of this name already."


class SiemState(Problem):
    """Somebody else was first, or the sender has gone on meanwhile."""

    status, code, title = 409, "siem_state", "The destination is in another state by now."


class SiemNothingToSend(Problem):
    """A log without an event that the destination takes."""

    status, code, title = 409, "siem_nothing_to_send", "There is no event to send yet."


class ExportInvalid(Problem):
    """An export of two people at once, or of a log without a checkpoint."""

    status, code, title = 422, "export_invalid", "This export is not possible."


class ExportFinished(Problem):
    """What is finished can't be cancelled."""

    status, code, title = 409, "export_finished", "This export is finished already."


class ExportNotReady(Problem):
    """Its file isn't written yet, or was deleted."""

    status, code, title = 409, "export_not_ready", "This export has no file."


class DatabaseRestored(Problem):
    """The database went back to an earlier moment, and nobody has seen to that yet."""

    status, code, title = 503, "restored", "The server's data was restored and is looked after now."
