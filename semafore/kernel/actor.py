"""Who acts: set by the base views, the tasks and the socket; read by the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What acts. An account is never named: it would link organisations to each other."""

    DEVICE = "device"
    MEMBER = "member"
    OPERATOR = "operator"
    SERVICE = "service"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """One acting party, with where the request came from."""

    kind: ActorKind
    id: UUID | None = None
    label: str = ""
    membership_id: UUID | None = None
    address: str = ""
    user_agent: str = ""
    request_id: str = ""


OPERATOR_LABEL = "SemaFore operator"
"""As an organisation's log names an operator: it says no more than that it was one."""
SYSTEM = Actor(kind=ActorKind.SYSTEM, label="SemaFore server")

_current: ContextVar[Actor | None] = ContextVar("actor", default=None)


class NoActorError(RuntimeError):
    """Something that must name its actor ran outside a request, task or socket."""


def current_actor() -> Actor:
    """The acting party. Raises NoActorError outside any `acting_as`."""
    actor = _current.get()
    if actor is None:
        message = "nobody acts here: wrap the call in kernel.actor.acting_as(…)"
        raise NoActorError(message)
    return actor


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Within the block, `actor` acts."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)
