"""The opening of a socket: which token it brings, and what that token opens."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from keys.authentication import admit
from keys.selectors.bundles import DueKeyEvents
from keys.selectors.credentials import token_hash
from realtime.selectors import sights
from realtime.services import take_place
from semafore.kernel import clock, hooks
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.closing import CLOSING
from semafore.kernel.http.views import USER_AGENT_LENGTH
from semafore.kernel.problems import NotAuthenticated
from semafore.kernel.tenancy import organisation_scope

SUBPROTOCOL = "semafore.v1"

Scope = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client asks with; `subprotocol` is what it is answered with, never the token."""

    token: str
    subprotocol: str | None


@dataclass(frozen=True, slots=True)
class Opening:
    """A socket that may be opened."""

    organisation_id: UUID
    device_id: UUID
    token_hash: bytes
    serial: int
    replaced: bool
    """A newer socket of the device came in between."""
    seconds_left: float
    """Until the token expires."""
    keys: DueKeyEvents | None
    actor: Actor
    """The device, as its frames act."""
    hello: dict[str, Any]
    """What other apps add to the first frame."""
    told: dict[str, Any]
    """What they remember of the socket."""


def read_offer(scope: Scope) -> Offer | None:
    """The token, from `Authorization: Bearer` or else the pair `semafore.v1, <token>`."""
    offered: list[str] = scope["subprotocols"]
    subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered else None
    scheme, _, token = _header(scope["headers"], b"authorization").partition(" ")
    if scheme.lower() == "bearer" and token:
        return Offer(token, subprotocol)
    match offered:
        case [first, token] if first == SUBPROTOCOL and not scheme and token:
            return Offer(token, subprotocol)
    return None


def origin_of(scope: Scope) -> Actor:
    """Somebody not yet known, with where they come from; behind a TLS proxy, as that saw it."""
    client = scope.get("client")
    address = client[0] if client else ""
    if settings.TLS_PROXY:
        address = _header(scope["headers"], b"x-forwarded-for").rpartition(",")[2].strip()
    agent = _header(scope["headers"], b"user-agent")[:USER_AGENT_LENGTH]
    return Actor(
        kind=ActorKind.ANONYMOUS,
        address=address,
        user_agent="".join(c for c in agent if c.isprintable()),
    )


class ServerClosedError(RuntimeError):
    """Nobody is let in just now (`kernel.closing`)."""


def open_for(token: str, origin: Actor, *, until: float) -> Opening:
    """Take the device's place for a socket with this token.

    Raises NotAuthenticated, TokenExpired, ServerClosedError; TimeoutError after `until`, on the
    monotonic clock, when the device has been told to try again.

    The place is taken before the status is read: a revocation in between is seen here, a later one
    by the look that follows the subscription.
    """
    # First: a connection that is new has it asked anew, and of the database that is used below.
    connection.ensure_connection()
    if CLOSING.closure() is not None:
        raise ServerClosedError
    credential = admit(token)
    hashed = token_hash(token)
    actor = credential.actor(origin)
    connected = hooks.SocketConnected(credential.device_id, credential.membership_id)
    if time.monotonic() > until:
        # The database was long away: the device comes again, or has, and that socket is the one.
        raise TimeoutError
    with organisation_scope(credential.organisation_id), acting_as(actor):
        serial = take_place(device_id=credential.device_id)
        sight = sights([hashed]).get(hashed)
        hooks.socket_connected(connected)
    if sight is None:
        raise NotAuthenticated
    return Opening(
        organisation_id=credential.organisation_id,
        device_id=credential.device_id,
        token_hash=hashed,
        serial=serial,
        replaced=sight.serial > serial,
        seconds_left=(credential.expires_at - clock.now()).total_seconds(),
        keys=sight.keys,
        actor=actor,
        hello=connected.hello,
        told=connected.told,
    )


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The last header of this name, empty without one."""
    found = b""
    for key, value in headers:
        if key.lower() == name:
            found = value
    return found.decode("latin-1")
