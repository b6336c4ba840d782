"""The doctor's look at text messages and links."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings

from invitations.checks import DEVELOPMENT
from invitations.selectors.health import delivery_health
from semafore.kernel.doctor import Finding, doubtful, fine, wrong
from semafore.kernel.doctor.tasks import in_words

DELAYED: Final = timedelta(minutes=5)
"""A code lives no longer."""


def sms() -> Iterator[Finding]:
    """Codes reach phones."""
    health = delivery_health()
    if settings.SMS_BACKEND in DEVELOPMENT:
        yield wrong(
            f"SMS_BACKEND is {settings.SMS_BACKEND}: codes reach no phone",
            "Set SMS_BACKEND to twilio or notify, with the settings of that service.",
        )
    elif health.oldest_code_age > DELAYED:
        yield wrong(
            f"{health.codes_waiting} codes wait, the first for {in_words(health.oldest_code_age)}",
            "See that a worker runs; the SMS service's own console says what it refuses.",
        )
    elif health.codes_failing:
        yield doubtful(
            f"{health.codes_failing} codes were refused and are tried again",
            "The SMS service's own console says why: credit, sender, or a number that is none.",
        )
    else:
        yield fine(f"by {settings.SMS_BACKEND}, {health.codes_waiting} codes wait")


def links() -> Iterator[Finding]:
    """Invitations reach people."""
    health = delivery_health()
    if health.oldest_link_age > 2 * DELAYED:
        yield wrong(
            f"{health.links_waiting} links wait, the first for {in_words(health.oldest_link_age)}",
            "See that a worker runs, and the lines on mail and SMS.",
        )
    elif health.links_failed:
        yield doubtful(
            f"{health.links_failed} links of the last day could not be sent",
            "Their invitations show why; see the lines on mail and SMS too.",
        )
    else:
        yield fine(f"{health.links_waiting} links wait to be sent")
