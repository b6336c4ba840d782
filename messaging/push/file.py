"""For development and tests: appends each push to PUSH_FILE, as JSON Lines."""

import json
from pathlib import Path

from django.conf import settings

from messaging.push.outcomes import Target
from semafore.kernel import clock


def deliver(target: Target) -> None:
    """Append a line with time, service, environment and token."""
    line = {
        "at": clock.now().isoformat(),
        "service": target.service,
        "environment": target.environment,
        "to": target.token,
    }
    # One write of less than a page: lines of several workers don't mix.
    with Path(settings.PUSH_FILE).open("a", encoding="utf-8") as outbox:
        outbox.write(json.dumps(line) + "\n")
