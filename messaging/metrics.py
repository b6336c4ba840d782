"""What `/metrics` says of mailboxes and of pushes."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from messaging.selectors.health import mailbox_health, push_health
from semafore.kernel.metrics import gauge


def figures() -> Iterator[Metric]:
    """Of all organisations together."""
    mailbox, push = mailbox_health(), push_health()
    yield gauge(
        "semafore_mailbox_envelopes", "Envelopes that wait for a device.", mailbox.envelopes
    )
    yield gauge(
        "semafore_mailbox_oldest_seconds",
        "Age of the oldest envelope that waits.",
        mailbox.oldest_age.total_seconds(),
    )
    yield gauge("semafore_push_tokens", "Devices that can be woken by a push.", push.tokens)
    yield gauge("semafore_push_failing", "Of these, whose last push failed.", push.failing)
