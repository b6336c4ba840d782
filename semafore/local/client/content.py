"""What is inside an envelope once it is decrypted: a text, bound to its message and room."""

import hmac
import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self
from uuid import UUID, uuid4

from semafore.local.client.wire import JsonObject, decode, encode

# Texts up to the same multiple look alike to whoever sees only lengths.
_BLOCK: Final = 160
_END: Final = b"\x80"


class ContentError(Exception):
    """What was decrypted is no content, or is not of the envelope that it came in."""


@dataclass(frozen=True, slots=True)
class Content:
    """One text; a broadcast has no room. The key opens the commitment in the server's event."""

    message_id: UUID
    room_id: UUID | None
    text: str
    commitment_key: bytes

    @classmethod
    def of(cls, room_id: UUID | None, text: str, message_id: UUID | None = None) -> Self:
        """A new text for a room, or for everybody."""
        return cls(message_id or uuid4(), room_id, text, secrets.token_bytes(32))

    @property
    def commitment(self) -> bytes:
        """HMAC-SHA-256 of the text under the key: with both, anybody can check the words."""
        return hmac.digest(self.commitment_key, self.text.encode(), sha256)

    def to_bytes(self) -> bytes:
        """What is encrypted, padded: JSON, 80, and zeros up to a multiple of 160 bytes."""
        content = json.dumps(
            {
                "message_id": str(self.message_id),
                "room_id": self.room_id and str(self.room_id),
                "text": self.text,
                "commitment_key": encode(self.commitment_key),
            }
        )
        padded = content.encode() + _END
        return padded + bytes(-len(padded) % _BLOCK)

    @classmethod
    def from_bytes(cls, padded: bytes, envelope: JsonObject) -> Self:
        """Read what `to_bytes` wrote. Raises ContentError, also for another message or room.

        The server says which message and room an envelope is of; only its sender knows.
        """
        try:
            content = json.loads(padded[: padded.rindex(_END)])
            read = cls(
                message_id=UUID(content["message_id"]),
                room_id=content["room_id"] and UUID(content["room_id"]),
                text=str(content["text"]),
                commitment_key=decode(content["commitment_key"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ContentError(f"what was decrypted can't be read: {error!r}") from error
        told = (envelope["message_id"], envelope["room_id"])
        if (str(read.message_id), read.room_id and str(read.room_id)) != told:
            raise ContentError("the server gave this text another message id or room")
        return read


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a device's history; `text` is None for what it could not decrypt."""

    message_id: str
    room_id: str | None
    sender_device_id: str
    accepted_at: str
    text: str | None
