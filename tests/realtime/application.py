"""`semafore.asgi` with a slow poll as slow as the test wants it; uvicorn is started on this."""

import os

# Sets Django up, so it comes before everything else.
from semafore.asgi import application

# isort: split
from realtime import hub

hub.POLL_SECONDS = float(os.environ["POLL_SECONDS"])

__all__ = ["application"]
