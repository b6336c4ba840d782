"""What `/metrics` says of the logs, of exports and of SIEM destinations."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from audit.selectors.health import log_health
from audit.selectors.service_health import export_health, siem_health
from semafore.kernel.metrics import gauge


def figures() -> Iterator[Metric]:
    """Of all organisations together; the log's promise is that neither age passes 60 seconds."""
    log = log_health()
    yield gauge(
        "semafore_log_oldest_pending_seconds",
        "Age of the oldest event that waits for its place in a log.",
        log.oldest_pending_age.total_seconds(),
    )
    yield gauge(
        "semafore_log_oldest_unsigned_seconds",
        "Age of the oldest entry that stands under no published checkpoint.",
        log.oldest_unsigned_age.total_seconds(),
    )
    yield gauge("semafore_log_halted", "Logs that are halted.", log.halted)
    yield gauge("semafore_log_entries", "Entries of all logs.", log.entries)

    exports = export_health()
    yield gauge("semafore_exports", "Exports that are not finished.", exports.unfinished, "status")
    yield gauge(
        "semafore_exports_oldest_waiting_seconds",
        "Age of the oldest export that nobody writes.",
        exports.oldest_waiting_age.total_seconds(),
    )
    yield gauge(
        "semafore_exports_failed", "Exports of the last day that failed.", exports.failed_lately
    )

    siem = siem_health()
    yield gauge("semafore_siem_destinations", "SIEM destinations.", siem.destinations, "format")
    yield gauge(
        "semafore_siem_in_trouble",
        "SIEM destinations that don't get what they should.",
        siem.in_trouble,
        "format",
    )
    yield gauge(
        "semafore_siem_lag_seconds",
        "Age of the oldest event that a destination hasn't got, of those that aren't paused.",
        siem.lag,
        "format",
    )
