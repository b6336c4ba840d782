"""What both services need: one client a process, and credentials that are made anew in time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any

import httpx
from django.conf import settings

from messaging.push.outcomes import PushError
from semafore.kernel import clock

KEPT_SECONDS = 600.0
"""A connection lives so long without a push: both services want few and long ones."""


@cache
def client() -> httpx.Client:
    """The process's one client; threads share its connections."""
    return httpx.Client(
        http2=True,
        timeout=settings.PUSH_TIMEOUT_SECONDS,
        limits=httpx.Limits(max_connections=8, keepalive_expiry=KEPT_SECONDS),
    )


def post(service: str, url: str, **request: Any) -> httpx.Response:
    """POST; whatever status is an answer. Raises PushError when there is none.

    Exceptions of httpx are not chained: their requests hold tokens and credentials.
    """
    try:
        try:
            return client().post(url, **request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # A connection that the service had closed meanwhile. Twice the same push is one.
            return client().post(url, **request)
    except httpx.HTTPError:
        raise PushError(f"{service} could not be reached.") from None


def document(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; an empty one for anything else."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Credential:
    """What a service wants to see with each push; made anew before it is too old."""

    def __init__(self, make: Callable[[], tuple[str, timedelta]]) -> None:
        """`make` gives the text and how long it is to be used; it may raise PushError."""
        self._make = make
        self._lock = Lock()
        self._text = ""
        self._until: datetime | None = None

    def text(self) -> str:
        """One that is good for some time yet. Raises what `make` raises."""
        with self._lock:
            if self._until is None or clock.now() >= self._until:
                self._text, lifetime = self._make()
                self._until = clock.now() + lifetime
            return self._text

    def forget(self, text: str) -> None:
        """The service refused this one: have another made, unless that was done already."""
        with self._lock:
            if self._text == text:
                self._until = None
