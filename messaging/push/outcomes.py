"""Whom a push is for, and how sending one fails. It says the same to everybody: look."""

from dataclasses import dataclass, field

from messaging.models import Environment, PushService


@dataclass(frozen=True, slots=True)
class Target:
    """Where a device can be woken."""

    service: PushService
    environment: Environment
    token: str = field(repr=False)


class PushError(Exception):
    """The push was not taken; another attempt may do better.

    The reason is for an administrator to read: it names no token, key or credential.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenGoneError(PushError):
    """The service no longer knows the token: the app is gone, or has another one by now."""
