"""The frames and close codes of the socket (docs/socket.md), and what a socket was told already."""

import json
from datetime import datetime
from typing import Any

from django.conf import settings

from keys.selectors.bundles import DueKeyEvents
from semafore.kernel import clock

Frame = dict[str, Any]

MALFORMED = 1007
TRY_AGAIN_LATER = 1013
REVOKED = 4401
TOKEN_EXPIRED = 4408
REPLACED = 4409


class MalformedFrameError(ValueError):
    """What came in is not a JSON object with a `type`."""


def hello(more: Frame) -> Frame:
    """The first frame."""
    return {"type": "hello", "server_time": clock.rfc3339(clock.now()), **more}


def encode(frame: Frame) -> str:
    """As it is sent."""
    return json.dumps(frame, separators=(",", ":"))


def decode(text: str | None) -> Frame:
    """A frame of a device; None stands for a binary one. Raises MalformedFrameError."""
    try:
        frame = json.loads(text or "")
    except (ValueError, RecursionError) as error:
        raise MalformedFrameError from error
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise MalformedFrameError
    return frame


class KeyNews:
    """Tells a socket each thing once, for as long as the thing stays the same.

    Low stock is the same until keys were uploaded, a due rotation until there is another signed
    pre-key. So a hint and a poll that see the same crossing tell of it once between them, and two
    crossings between two looks are told of as two.
    """

    __slots__ = ("_signed", "_stock")

    def __init__(self) -> None:
        self._stock: int | None = None
        self._signed: tuple[datetime, bool] | None = None

    def frames(self, keys: DueKeyEvents, *, refused: bool = False) -> list[Frame]:
        """What is due and untold; `refused`: somebody just was, for the expired signed pre-key."""
        found: list[Frame] = []
        stock = keys.highest_key_id if keys.low else None
        if stock is not None and stock != self._stock:
            found.append(
                {
                    "type": "key_bundle.replenishment_needed",
                    "available": keys.available,
                    "threshold": settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD,
                }
            )
        self._stock = stock
        signed = (keys.expires_at, keys.expired) if keys.expires_at else None
        if signed is not None and (signed != self._signed or (refused and keys.expired)):
            found.append(_signed_pre_key_frame(*signed))
        self._signed = signed
        return found


def _signed_pre_key_frame(expires_at: datetime, expired: bool) -> Frame:  # noqa: FBT001 - unpacked
    if expired:
        return {"type": "key_bundle.signed_pre_key_expired"}
    return {"type": "key_bundle.rotation_due", "expires_at": clock.rfc3339(expires_at)}
