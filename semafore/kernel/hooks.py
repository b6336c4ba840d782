"""What must flow against the import order: few, named, typed, in the caller's transaction.

Handlers are registered in `AppConfig.ready()` and run synchronously, in the order of registration;
what one raises rolls the caller back. Domain flow inside an app never uses a hook.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

Payload = TypeVar("Payload")


class Hook(Generic[Payload]):
    """A named place where lower apps let upper apps act."""

    def __init__(self) -> None:
        self._handlers: list[Callable[[Payload], None]] = []

    def register(self, handler: Callable[[Payload], None]) -> None:
        """Add a handler; registering the same one twice is an error."""
        if handler in self._handlers:
            message = f"{handler.__qualname__} is registered already"
            raise ValueError(message)
        self._handlers.append(handler)

    def __call__(self, payload: Payload) -> None:
        """Run every handler."""
        for handler in self._handlers:
            handler(payload)


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """A membership of the current organisation that was suspended or ended."""

    membership_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceRevoked:
    """A device of the current organisation that was revoked."""

    device_id: UUID
    membership_id: UUID


@dataclass(frozen=True, slots=True)
class GuestAdmitted:
    """A guest of the current organisation who was approved, and the room the invitation names."""

    membership_id: UUID
    room_id: UUID | None


@dataclass(frozen=True, slots=True)
class AttemptDenied:
    """A refused act: what was tried, on what, and the refusal's code."""

    act: str
    reason: str
    target_id: UUID | None = None
    denial: object | None = None
    """The audit app's own description, where the service gave one; it goes first."""


membership_suspended: Hook[MembershipChanged] = Hook()
"""Raised by orgs after a suspension: keys ends tokens and sockets of the person's devices."""

membership_ended: Hook[MembershipChanged] = Hook()
"""Raised by orgs after an end: keys revokes the person's devices."""

device_revoked: Hook[DeviceRevoked] = Hook()
"""Raised by keys after a revocation: messaging drops the device's mailbox."""

guest_admitted: Hook[GuestAdmitted] = Hook()
"""Raised by invitations when a guest's membership becomes active: messaging opens the room."""

attempt_denied: Hook[AttemptDenied] = Hook()
"""Raised by the base views after a refusal, its transaction rolled back: audit counts it."""
