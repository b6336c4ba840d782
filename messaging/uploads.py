"""What a device sends in a message, read and not yet stored."""

from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

COMMITMENT_LENGTH = 32


@dataclass(frozen=True, slots=True)
class EnvelopeUpload:
    """One device's ciphertext."""

    device_id: UUID
    registration_id: int
    suite: str
    type: str
    ciphertext: bytes
    hash: bytes = field(init=False, repr=False)
    """SHA-256 of the ciphertext, 32 bytes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", sha256(self.ciphertext).digest())
