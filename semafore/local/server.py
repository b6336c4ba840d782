"""One ASGI application for one process and one port: what `bin/run` serves.

HTTP goes to the WSGI application, which Django serves twice as fast as its own ASGI handler;
WebSockets go to Channels. Production runs the two in processes of their own.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from a2wsgi import WSGIMiddleware

from semafore.asgi import application as websocket_application
from semafore.wsgi import application as wsgi_application

# asgiref, a2wsgi and Channels each have types of their own for these, which don't agree.
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# Sixteen requests at a time, as many as the application has database connections.
http = cast("Application", WSGIMiddleware(cast("Any", wsgi_application), workers=16))
websocket = cast("Application", websocket_application)


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Hands each connection to the half that it is for."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    else:
        await (http if scope["type"] == "http" else websocket)(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    """Answers the server's start and stop; neither half has work to do at them."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
