"""`/metrics`: figures for monitoring, in Prometheus' text format. Each app registers its own.

Nearly all are read from the database when they are asked for, so every host says the same. Requests
are counted by each process for itself; a host's processes share PROMETHEUS_MULTIPROC_DIR, through
which any of them can say the sum.
"""

import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from semafore.kernel.permissions import Access

COUNTED = CollectorRegistry(auto_describe=False)
"""What this process counts; shown only as part of the sum."""

Reader = Callable[[], Iterable[Metric]]

PATIENCE_MILLISECONDS: Final = 5000
"""For one statement: monitoring must not be what a database in trouble dies of."""


class Figures(Collector):
    """What the apps read from the database; one that can't read doesn't silence the others."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}

    def register(self, app: str, reader: Reader) -> None:
        """Add an app's figures. `reader` runs in no organisation's scope, in a transaction."""
        if app in self._readers:
            raise ValueError(f"{app} has registered its figures already")
        self._readers[app] = reader

    def describe(self) -> list[Metric]:
        """Nothing is read to register this."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every app's figures, then how long each took and which couldn't be had."""
        seconds = gauge("semafore_figures_seconds", "Time to read an app's figures.", {}, "app")
        failed = gauge("semafore_figures_failed", "1 where they could not be read.", {}, "app")
        for app, reader in self._readers.items():
            began = time.perf_counter()
            try:
                yield from _read(reader)
            except (DatabaseError, InterfaceError, PoolTimeout):
                failed.add_metric([app], 1)
            else:
                failed.add_metric([app], 0)
            seconds.add_metric([app], time.perf_counter() - began)
        yield seconds
        yield failed


def _read(reader: Reader) -> list[Metric]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MILLISECONDS)]
            )
        return list(reader())


def gauge(
    name: str, text: str, values: float | Mapping[str, float], label: str = ""
) -> GaugeMetricFamily:
    """A gauge with one value, or with one for each value of a label."""
    if not isinstance(values, Mapping):
        return GaugeMetricFamily(name, text, value=values)
    family = GaugeMetricFamily(name, text, labels=[label])
    for one, value in values.items():
        family.add_metric([one], value)
    return family


FIGURES = Figures()


def exposition() -> bytes:
    """The whole page."""
    # Not the library's own registry: what a process says of itself means nothing where many answer
    # in turn.
    registry = CollectorRegistry()
    registry.register(FIGURES)
    if settings.PROMETHEUS_MULTIPROC_DIR:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def metrics(request: HttpRequest) -> HttpResponse:
    """What the database says now, to whoever has METRICS_TOKEN; 404 while that is not set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


metrics.requires = Access.PUBLIC  # type: ignore[attr-defined]
