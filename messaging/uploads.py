"""What a device sends in a message, read and not yet stored."""

from dataclasses import dataclass
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

    @property
    def hash(self) -> bytes:
        """SHA-256 of the ciphertext, 32 bytes."""
        return sha256(self.ciphertext).digest()
