"""A server whose requests are each served by a process of its own, to be killed at any moment.

`python -m tests.messaging.mortal`: a line in (token, room, body, seconds to live or null), a line
out (seconds that it took, null if it was killed first).
"""

import json
import os
import select
import signal
import sys
import time

# Sets Django up, so it comes before everything else.
from semafore.wsgi import application

# isort: split
import httpx
from django.conf import settings
from django.db import connection
from django.urls import get_resolver


def main() -> None:
    # All code is there before the first fork, so that a life is spent on the request.
    assert get_resolver().url_patterns
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(serve(job)), flush=True)  # noqa: T201 - read by the test


def serve(job: dict[str, object]) -> float | None:
    """Seconds from the connection to the answer; None if it was killed first."""
    ready, said = os.pipe()
    process = os.fork()
    if process == 0:
        send(job, said)
        os._exit(0)
    os.close(said)
    os.read(ready, 1)
    began = time.monotonic()
    lives = job["lives"]
    assert lives is None or isinstance(lives, float)
    answered, _, _ = select.select([ready], [], [], lives)
    took = time.monotonic() - began if answered else None
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(ready)
    return took


def send(job: dict[str, object], said: int) -> None:
    """Serve the request; a byte once the database is there, one with the answer."""
    connection.ensure_connection()
    os.write(said, b".")
    with httpx.Client(transport=httpx.WSGITransport(app=application)) as client:
        answer = client.post(
            f"{settings.BASE_URL}/api/mobile/rooms/{job['room']}/messages",
            json=job["body"],
            headers={
                "Authorization": f"Bearer {job['token']}",
                "User-Agent": "SemaFore/1.0.0 (test)",
            },
        )
    assert answer.status_code == httpx.codes.CREATED, answer.text
    os.write(said, b".")


if __name__ == "__main__":
    main()
