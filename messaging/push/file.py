"""For development and tests: appends each push to PUSH_FILE, as JSON Lines."""

from django.conf import settings

from messaging.push.outcomes import Target
from semafore.kernel import clock
from semafore.kernel.outbox import append_line


def deliver(target: Target) -> None:
    """Append a line with time, service, environment and token."""
    line = {
        "at": clock.now().isoformat(),
        "service": target.service,
        "environment": target.environment,
        "to": target.token,
    }
    append_line(settings.PUSH_FILE, line)
