"""What `/metrics` says of the logs."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.selectors.health import log_health


class LogCollector(Collector):
    """Gauges of all logs together, read when they are asked for."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is read to register this."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The log's promise is that neither age passes 60 seconds."""
        health = log_health()
        for name, text, value in (
            (
                "semafore_log_oldest_pending_seconds",
                "Age of the oldest event that waits for its place in a log.",
                health.oldest_pending_age.total_seconds(),
            ),
            (
                "semafore_log_oldest_unsigned_seconds",
                "Age of the oldest entry that stands under no published checkpoint.",
                health.oldest_unsigned_age.total_seconds(),
            ),
            ("semafore_log_halted", "Logs that are halted.", health.halted),
            ("semafore_log_entries", "Entries of all logs.", health.entries),
        ):
            yield GaugeMetricFamily(name, text, value=value)
