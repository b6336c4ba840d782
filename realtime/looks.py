"""One look of an organisation's sockets at the database: what they said first, then what is new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from realtime.checkpoints import tell_checkpoints
from realtime.frames import Frame
from realtime.maintenance import tell_maintenance
from realtime.selectors import Sight, sights
from semafore.kernel import hooks
from semafore.kernel.actor import Actor
from semafore.kernel.database import not_awaited

Heard = tuple[UUID, Actor, Frame]
"""A device, the same as an actor, and what it said."""


@dataclass(frozen=True, slots=True)
class Looking:
    """A socket that looks."""

    device_id: UUID
    token_hash: bytes
    serial: int
    ready: bool
    unsure: bool
    keys: bool
    """It asks what is due of its keys too, and which maintenance is ahead."""
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found."""

    sights: Mapping[bytes, Sight]
    """By token hash; who is missing must be let go."""
    frames: Mapping[UUID, Sequence[Frame]]
    more: set[UUID]
    full: Mapping[UUID, bool]
    malformed: set[UUID]
    told: Mapping[UUID, dict[str, Any]]


def look(sockets: Sequence[Looking], frames: Sequence[Heard]) -> Seen:
    """Do what devices said, then read; each in a transaction of its own.

    An ack counts whoever may be connected by now: the device has the envelope.
    """
    heard = hooks.SocketFrames(frames)
    if frames:
        hooks.socket_frames(heard)
    found = sights(
        [socket.token_hash for socket in sockets],
        keys_of={socket.token_hash for socket in sockets if socket.keys},
    )
    news = hooks.SocketsLook(
        [
            _open(socket, found[socket.token_hash])
            for socket in sockets
            if socket.token_hash in found and found[socket.token_hash].serial == socket.serial
        ]
    )
    if news.sockets:
        with transaction.atomic():
            not_awaited()
            hooks.sockets_look(news)
            tell_checkpoints(news)
            tell_maintenance(news, {socket.device_id for socket in sockets if socket.keys})
    return Seen(
        sights=found,
        frames=news.frames,
        more=news.more,
        full=news.full,
        malformed=heard.malformed,
        told={socket.device_id: socket.told for socket in news.sockets},
    )


def _open(socket: Looking, sight: Sight) -> hooks.OpenSocket:
    # A copy: what is told counts once the transaction is over.
    return hooks.OpenSocket(
        socket.device_id,
        sight.membership_id,
        socket.serial,
        ready=socket.ready,
        unsure=socket.unsure,
        told=dict(socket.told),
    )
