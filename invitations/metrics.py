"""What `/metrics` says of codes by SMS and of invitations' links."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from invitations.selectors.health import delivery_health
from semafore.kernel.metrics import gauge


def figures() -> Iterator[Metric]:
    """Of all organisations together."""
    found = delivery_health()
    yield gauge("semafore_codes_waiting", "Codes that are to be sent.", found.codes_waiting)
    yield gauge(
        "semafore_codes_failing",
        "Of these, how many the SMS service refused before.",
        found.codes_failing,
    )
    yield gauge(
        "semafore_codes_oldest_seconds",
        "Age of the oldest code that is due and was not sent.",
        found.oldest_code_age.total_seconds(),
    )
    yield gauge("semafore_links_waiting", "Links that are to be sent.", found.links_waiting)
    yield gauge(
        "semafore_links_oldest_seconds",
        "Age of the oldest link that is to be sent.",
        found.oldest_link_age.total_seconds(),
    )
    yield gauge(
        "semafore_links_failed", "Links of the last day that could not be sent.", found.links_failed
    )
