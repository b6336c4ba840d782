"""The doctor's look at pushes."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from messaging.checks import DEVELOPMENT
from messaging.selectors.health import push_health
from semafore.kernel.doctor import Finding, doubtful, fine

TOO_MANY: Final = 0.1
"""Of all devices: some always fail."""


def push() -> Iterator[Finding]:
    """Devices are woken. Messages arrive without, when the app is opened."""
    health = push_health()
    if settings.PUSH_BACKEND in DEVELOPMENT:
        yield doubtful(
            f"PUSH_BACKEND is {settings.PUSH_BACKEND}: no device is woken",
            "Set PUSH_BACKEND to service, with APNS_KEY, FCM_CREDENTIALS or both.",
        )
    elif health.failing_on > health.tokens * TOO_MANY:
        yield doubtful(
            f"{health.failing_on} of {health.tokens} devices can't be woken",
            "Reachability, in the console, says what Apple's or Google's service answers; mostly "
            "a key was revoked there.",
        )
    else:
        yield fine(f"{health.tokens} devices can be woken, {health.failing} failed the last time")
