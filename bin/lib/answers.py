"""Asks a web or realtime process on this machine for `/healthz`, as the proxy would; 0 if it lives.

The standard library alone, since a health check runs every few seconds.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

SECONDS = 5


def answers(port: int) -> bool:
    """Whether it says 200 to a request for the name that BASE_URL gives it."""
    name = urlsplit(os.environ.get("BASE_URL", "http://127.0.0.1")).netloc
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": name, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers(int(sys.argv[1])))
