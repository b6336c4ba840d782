"""The doctor's look at sockets."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import httpx
from django.conf import settings

from semafore.kernel.doctor import Finding, fine, wrong

ANSWER_SECONDS: Final = 5.0

HANDSHAKE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "ZG9jdG9yIG9mIHNlbWFmbw==",
}


def sockets() -> Iterator[Finding]:
    """EVENTS_URL leads to a realtime process: it refuses a handshake without a token with 403."""
    address = settings.EVENTS_URL.replace("ws", "http", 1)
    try:
        status = httpx.get(address, headers=HANDSHAKE, timeout=ANSWER_SECONDS).status_code
    except httpx.HTTPError as error:
        yield wrong(
            f"EVENTS_URL can't be reached from here ({type(error).__name__})",
            "See that the realtime process and the proxy run.",
        )
        return
    if status == HTTPStatus.FORBIDDEN:
        yield fine("EVENTS_URL answers")
    else:
        yield wrong(
            f"EVENTS_URL answers {status} to a handshake",
            "Lead that path to the realtime process, with HTTP/1.1 and the Upgrade header; "
            "502 or 504: start it.",
        )
