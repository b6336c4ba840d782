"""What passes between sockets and the apps above them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from semafore.kernel.actor import Actor


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
class MaintenanceTold:
    """The current organisation was told of something that happened to a window."""

    window_id: UUID
