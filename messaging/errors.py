"""Refusals of rooms, relay and mailbox (docs/errors.md)."""

from semafore.kernel.problems import Problem


class DeviceSetMismatch(Problem):
    """The envelopes are not one for each device of the room; `missing`, `extra`, `stale` say how.

    `stale` lists devices whose registration id is another now.
    """

    status, code, title = (
        409,
        "device_set_mismatch",
        "The envelopes don't match the devices of the room.",
    )


class MessageIdConflict(Problem):
    """Another device used this message id."""

    status, code, title = 409, "message_id_conflict", "This message id is taken."


class RoomClosed(Problem):
    """The room is closed, or its end has come."""

    status, code, title = 410, "room_closed", "This room is closed."


class RoomFull(Problem):
    """With these people the room would have more devices than a message may have envelopes."""

    status, code, title = 409, "room_full", "The room is full."


class RoomIsDirect(Problem):
    """A direct room is its two people: it has no name, no administrators, nobody else."""

    status, code, title = 409, "room_is_direct", "A direct room stays as it is."


class NotInParent(Problem):
    """Somebody is not in the room that the thread belongs to; `members` lists them."""

    status, code, title = (
        409,
        "not_in_parent",
        "Somebody is not in the room that this thread belongs to.",
    )


class CursorExpired(Problem):
    """No cursor of this device's feed of changes, or one that is too old: list again."""

    status, code, title = 410, "cursor_expired", "This cursor can't be used. List again."


class EnvelopeTooLarge(Problem):
    """A ciphertext beyond 96 KiB."""

    status, code, title = 413, "envelope_too_large", "An envelope is too large."


class BroadcastFinished(Problem):
    """No part can be added, and it can't be finished again."""

    status, code, title = 409, "broadcast_finished", "This broadcast is finished."


class PushTokenMissing(Problem):
    """The device registered no push token, or the push service no longer knows it."""

    status, code, title = 409, "push_token_missing", "This device can't be woken: it has no token."


class WakeUpsOff(Problem):
    """The organisation's policy says that devices are not woken."""

    status, code, title = 409, "wake_ups_off", "The policy has wake-ups switched off."


class MessageLimit(Problem):
    """Too many messages of one device within a minute."""

    status, code, title = 429, "message_limit", "Too many messages. Try again later."


class RequestTerms(Problem):
    """An end, a guest or a room for which this can't be asked."""

    status, code, title = 422, "room_request_terms", "This can't be requested like this."


class RequestPending(Problem):
    """One request of a kind at a time for a room."""

    status, code, title = 409, "room_request_pending", "A request waits for its decision already."


class RequestDecided(Problem):
    """Somebody else decided first; the detail says who and when."""

    status, code, title = 409, "room_request_decided", "This request is decided already."


class ApprovalGiven(Problem):
    """The same person can't be both administrators."""

    status, code, title = (
        409,
        "approval_given",
        "You approved this already. A second administrator has to approve it too.",
    )


class GuestRefused(Problem):
    """A member of the organisation, or a guest of another external party."""

    status, code, title = 409, "guest_refused", "This person can't be a guest here."
