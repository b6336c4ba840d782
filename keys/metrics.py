"""What `/metrics` says of devices, their keys and the claims of them."""

from collections.abc import Iterable, Iterator
from typing import Final

from django.conf import settings
from django.db import connection
from prometheus_client import Counter
from prometheus_client.core import HistogramMetricFamily, Metric

from semafore.kernel import clock
from semafore.kernel.metrics import COUNTED, gauge

CLAIMS = Counter(
    "semafore_claims", "Claims of a key bundle, by outcome.", ("outcome",), registry=COUNTED
)
ISSUED, NONE_LEFT, REPEATED = "issued", "none_left", "repeated"
"""Outcomes beside the codes of problems: with a one-time pre-key, without, answered before."""

DEVICES = "SELECT status, count(*) FROM keys_device GROUP BY status"

STOCK_EDGES: Final = (1, 5, 10, 25, 50, 100, 250, 500)

# Who is denied or revoked has no bundle any more.
STOCK = """
SELECT width_bucket(available, %s::int[]) AS bucket, count(*), sum(available)
FROM keys_keybundle GROUP BY bucket
"""

# An organisation at a time, since the index begins with it.
EXPIRED = """
SELECT coalesce(sum(found.expired), 0)::bigint FROM orgs_organisation AS organisation
CROSS JOIN LATERAL (
    SELECT count(*) AS expired FROM keys_signedprekey
    WHERE organisation_id = organisation.id AND superseded_at IS NULL AND uploaded_at <= %s
) AS found
"""


def figures() -> Iterator[Metric]:
    """In three statements, of all organisations together."""
    with connection.cursor() as cursor:
        cursor.execute(DEVICES)
        yield gauge("semafore_devices", "Devices, by status.", dict(cursor.fetchall()), "status")
        cursor.execute(STOCK, [list(STOCK_EDGES)])
        yield _stock(cursor.fetchall())
        cursor.execute(EXPIRED, [clock.now() - settings.SPK_MAX_AGE])
        (expired,) = cursor.fetchone()
    yield gauge(
        "semafore_signed_pre_keys_expired",
        "Devices whose current signed pre-key has expired: who claims it is answered 428.",
        expired,
    )


def _stock(rows: Iterable[tuple[int, int, int]]) -> HistogramMetricFamily:
    """Cumulative, as Prometheus wants it; a bucket ends below its edge."""
    found = {bucket: (devices, keys) for bucket, devices, keys in rows}
    total, buckets = 0, []
    for number, end in enumerate([*(str(edge - 1) for edge in STOCK_EDGES), "+Inf"]):
        total += found.get(number, (0, 0))[0]
        buckets.append((end, total))
    return HistogramMetricFamily(
        "semafore_one_time_pre_key_stock",
        "Devices by how many one-time pre-keys they have left.",
        buckets=buckets,
        sum_value=float(sum(keys for _, keys in found.values())),
    )
