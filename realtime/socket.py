"""What the hub needs to know of a socket, and why one looks."""

from collections.abc import Mapping, Sequence
from enum import IntFlag
from typing import Any, Protocol
from uuid import UUID

from realtime.frames import Frame, KeyNews
from semafore.kernel.actor import Actor
from semafore.kernel.realtime import Hint


class Due(IntFlag):
    """Why a socket looks: at its status and mailbox always, at the rest not for every message."""

    MAILBOX = 0
    KEYS = 1
    """At its keys, and at what maintenance lies ahead."""
    REFUSED = 3
    """And somebody was refused for its expired signed pre-key."""


WHY: Mapping[str, Due] = {Hint.MAILBOX: Due.MAILBOX, Hint.SIGNED_PRE_KEY_EXPIRED: Due.REFUSED}


class Socket(Protocol):
    """What the hub needs of an open socket."""

    organisation_id: UUID
    device_id: UUID
    token_hash: bytes
    serial: int
    actor: Actor
    news: KeyNews
    told: dict[str, Any]
    """What other apps told it, in their words."""
    busy: bool
    """Frames are on their way to a client that hasn't taken them yet; the hub's to set."""

    async def push(self, frames: Sequence[Frame]) -> None:
        """Send frames; a socket that is gone meanwhile is no error."""

    async def finish(self, code: int) -> None:
        """Close with this code; the same."""
