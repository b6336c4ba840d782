"""What must flow against the import order: few, named, typed, in the caller's transaction.

Handlers are registered in `AppConfig.ready()` and run synchronously, in the order of registration;
what one raises rolls the caller back. Domain flow inside an app never uses a hook.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from semafore.kernel.hooks.evidence import (
    AttemptDenied,
    EventsConcerning,
    HeldOnPerson,
    Hold,
    Holding,
    Known,
    KnownBy,
    RetentionSweep,
)
from semafore.kernel.hooks.people import (
    DeviceRevoked,
    GuestAdmitted,
    GuestsInReach,
    MembershipChanged,
    PeopleToTell,
    PermissionHolders,
    SignedPreKeyRenewed,
)
from semafore.kernel.hooks.sockets import (
    MaintenanceTold,
    OpenSocket,
    SocketConnected,
    SocketFrames,
    SocketsLook,
)

__all__ = [
    "AttemptDenied",
    "DeviceRevoked",
    "EventsConcerning",
    "GuestAdmitted",
    "GuestsInReach",
    "HeldOnPerson",
    "Hold",
    "Holding",
    "Hook",
    "Known",
    "KnownBy",
    "MaintenanceTold",
    "MembershipChanged",
    "OpenSocket",
    "PeopleToTell",
    "PermissionHolders",
    "RetentionSweep",
    "SignedPreKeyRenewed",
    "SocketConnected",
    "SocketFrames",
    "SocketsLook",
    "attempt_denied",
    "device_revoked",
    "events_concerning",
    "guest_admitted",
    "guests_in_reach",
    "held_on_person",
    "known_by",
    "maintenance_told",
    "membership_ended",
    "membership_suspended",
    "people_to_tell",
    "permission_holders",
    "retention_sweep",
    "signed_pre_key_renewed",
    "socket_connected",
    "socket_frames",
    "sockets_look",
]

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

people_to_tell: Hook[PeopleToTell] = Hook()
"""Raised by audit when a destination of events is in trouble: orgs posts the mail."""

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

maintenance_told: Hook[MaintenanceTold] = Hook()
"""Raised by orgs as it tells an organisation of maintenance: realtime has its sockets look."""

retention_sweep: Hook[RetentionSweep] = Hook()
"""Raised by audit for a preview and in each batch of a sweep: apps count or delete their rows."""

events_concerning: Hook[EventsConcerning] = Hook()
"""Raised by audit before a sweep under a hold on a person: messaging and keys name the events."""

held_on_person: Hook[HeldOnPerson] = Hook()
"""Raised by audit for a subject access export: each app says what it holds."""

known_by: Hook[KnownBy] = Hook()
"""Raised by audit, which imports neither people nor rooms: the console says what an id means."""
