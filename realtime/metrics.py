"""What `/metrics` says of sockets."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import Metric

from realtime.services import SEEN_EVERY
from semafore.kernel import clock
from semafore.kernel.metrics import gauge

# A socket whose process died is seen no more, and leaves the count after a while.
OPEN = "SELECT count(*) FROM realtime_connection WHERE closed_at IS NULL AND last_seen > %s"


def figures() -> Iterator[Metric]:
    """Of all realtime processes together."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [clock.now() - 2 * SEEN_EVERY])
        (sockets,) = cursor.fetchone()
    yield gauge("semafore_sockets_open", "Devices that hold a socket.", sockets)
