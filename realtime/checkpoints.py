"""What sockets are told of the log: its newest checkpoint, seldom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.logs import current_log
from audit.selectors.checkpoints import latest_checkpoint
from semafore.kernel import clock, hooks

TOLD = "log.checkpoint"
EVERY = timedelta(hours=1)
"""Often enough for a device to notice a fork, seldom enough to cost nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """The size of the checkpoint that a socket was told of, and when it was looked for."""

    size: int
    at: datetime


def tell_checkpoints(look: hooks.SocketsLook) -> None:
    """`log.checkpoint` to sockets that are new, or last looked for one an hour ago.

    Behind the backlog, and only where there is a newer one than was told. Where nobody is due, no
    statement.
    """
    now = clock.now()
    waiting = [one for one in look.sockets if one.ready and one.device_id not in look.more]
    due = [one for one in waiting if _is_due(one.told.get(TOLD), now)]
    if not due:
        return
    newest = latest_checkpoint(current_log())
    for socket in due:
        before = socket.told.get(TOLD, Told(0, now)).size
        if newest is not None and newest.size > before:
            look.tell(socket.device_id, {"type": "log.checkpoint", "checkpoint": newest.note})
        socket.told[TOLD] = Told(newest.size if newest else 0, now)


def _is_due(told: Told | None, now: datetime) -> bool:
    return told is None or told.at <= now - EVERY
