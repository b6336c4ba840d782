"""What must flow against the import order: few, named, typed, in the caller's transaction.

Handlers are registered in `AppConfig.ready()` and run synchronously, in the order of registration;
what one raises rolls the caller back. Domain flow inside an app never uses a hook.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from semafore.kernel.actor import Actor
from semafore.kernel.permissions import Permission

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


@dataclass(frozen=True, slots=True)
class PermissionHolders:
    """Members of the current organisation: which of them may do something just now."""

    permission: Permission
    membership_ids: frozenset[UUID]
    found: set[UUID] = field(default_factory=set)
    """Filled by the handler."""


@dataclass(frozen=True, slots=True)
class GuestsInReach:
    """Of these memberships, whom may this one reach? At least one side of each pair is a guest."""

    membership_id: UUID
    others: frozenset[UUID]
    reached: set[UUID] = field(default_factory=set)
    """Filled by the handlers; who isn't in it is as if they didn't exist."""


@dataclass(frozen=True, slots=True)
class SignedPreKeyRenewed:
    """A device of the current organisation whose signed pre-key had expired has a fresh one."""

    device_id: UUID


@dataclass(frozen=True, slots=True)
class SocketConnected:
    """A device's socket that is about to say hello; handlers add fields to the frame."""

    device_id: UUID
    membership_id: UUID
    hello: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    """What handlers remember of the socket: the same as `OpenSocket.told`."""


@dataclass(frozen=True, slots=True)
class SocketFrames:
    """Frames of several devices of the current organisation, each device's in its order."""

    frames: Sequence[tuple[UUID, Actor, Mapping[str, Any]]]
    """The device, the same as an actor, and the frame."""
    malformed: set[UUID] = field(default_factory=set)
    """Filled by the handlers: the devices whose sockets are closed for what they sent."""


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """A device's one socket, as of this look."""

    device_id: UUID
    membership_id: UUID
    serial: int
    """Of its connection: greater with each."""
    ready: bool
    """It takes frames; else a look only finds out that it has to be closed."""
    unsure: bool
    """The last look failed, perhaps at its very end: what it noted as told was not told."""
    told: dict[str, Any]
    """What handlers remember of the socket for as long as it is open."""


@dataclass(frozen=True, slots=True)
class SocketsLook:
    """Open sockets of devices that may be connected; handlers give them their frames."""

    sockets: Sequence[OpenSocket]
    frames: dict[UUID, list[dict[str, Any]]] = field(default_factory=dict)
    more: set[UUID] = field(default_factory=set)
    """The devices that look again as soon as they took these; soon, where there are none."""

    full: dict[UUID, bool] = field(default_factory=dict)
    """Devices that look again once they have said something (True), or need not any more."""

    def tell(self, device_id: UUID, *frames: dict[str, Any]) -> None:
        """Send a device these frames after those that were given before."""
        self.frames.setdefault(device_id, []).extend(frames)


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: what it covers is deleted by nothing. None means any."""

    membership_id: UUID | None
    """A person, as who acts or is acted on, as sender or recipient."""
    room_id: UUID | None
    from_at: datetime | None
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class RetentionSweep:
    """Rows of the current organisation that have lived their time: to be counted, or deleted."""

    metadata_before: datetime
    audit_before: datetime
    existence_before: datetime
    holds: Sequence[Hold]
    """In force; handlers leave alone what any of them covers."""
    batch: int | None
    """At most so many rows of each kind are deleted; None deletes nothing and counts all."""
    rows: dict[str, int] = field(default_factory=dict)
    """Filled by the handlers: how many, by what they are (`messages`, `deliveries`, …)."""
    ended_devices: set[UUID] = field(default_factory=set)
    """Filled by keys: devices that ended before `audit_before`; events of their keys go."""


@dataclass(frozen=True, slots=True)
class EventsConcerning:
    """Events that may concern one of these people, beyond what stands in the events."""

    event_ids: frozenset[UUID]
    membership_ids: frozenset[UUID]
    found: set[UUID] = field(default_factory=set)
    """Filled by the handlers: of messages, those that a device of theirs was to get."""


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

permission_holders: Hook[PermissionHolders] = Hook()
"""Raised by audit before a second person decides: orgs knows who has which role."""

guests_in_reach: Hook[GuestsInReach] = Hook()
"""Raised by keys where a claim has a guest on either side: messaging names who shares a room."""

signed_pre_key_renewed: Hook[SignedPreKeyRenewed] = Hook()
"""Raised by keys when a new signed pre-key ends an expiry: messaging tells who had to skip it."""

socket_connected: Hook[SocketConnected] = Hook()
"""Raised by realtime before hello: messaging adds where its feed of changes stands."""

socket_frames: Hook[SocketFrames] = Hook()
"""Raised by realtime for frames of types that it doesn't know: messaging takes acks."""

sockets_look: Hook[SocketsLook] = Hook()
"""Raised by realtime whenever sockets look: messaging gives envelopes and notices."""

retention_sweep: Hook[RetentionSweep] = Hook()
"""Raised by audit for a preview and in each batch of a sweep: apps count or delete their rows."""

events_concerning: Hook[EventsConcerning] = Hook()
"""Raised by audit before a sweep under a hold on a person: messaging and keys name the events."""
