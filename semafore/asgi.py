"""The device socket, for an ASGI server; REST and console are in `semafore/wsgi.py`."""

import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

import django

from semafore.kernel.logs import this_process_is

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semafore.settings")
this_process_is("realtime")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - after Django's set-up
from django.urls import path, re_path  # noqa: E402

from realtime.consumer import DeviceConsumer  # noqa: E402

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def plain_http(scope: Message, receive: Receive, send: Send) -> None:
    """Whether this process lives; there is nothing else to be had by HTTP here."""
    del receive
    status, text = (200, b"ok\n") if scope["path"] == "/healthz" else (404, b"not found\n")
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def no_such_socket(scope: Message, receive: Receive, send: Send) -> None:
    """Refuses the handshake (HTTP 403)."""
    del scope, receive
    await send({"type": "websocket.close"})


async def lifespan(scope: Message, receive: Receive, send: Send) -> None:
    """Start and stop of the server; the sockets' tasks begin with the first socket."""
    del scope
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


application = ProtocolTypeRouter(
    {
        "http": plain_http,
        "websocket": URLRouter(
            [
                path("ws/mobile", DeviceConsumer.as_asgi()),
                re_path("", cast("Any", no_such_socket)),  # Django's types know views only
            ]
        ),
        "lifespan": lifespan,
    }
)
