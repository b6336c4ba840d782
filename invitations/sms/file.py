"""For development and tests: appends each message to SMS_FILE, as JSON Lines."""

from collections.abc import Mapping

from django.conf import settings

from invitations.sms.messages import TEXTS, Template
from semafore.kernel import clock
from semafore.kernel.outbox import append_line


def deliver(to: str, template: Template, values: Mapping[str, str]) -> None:
    """Append a line with time, number, template and text."""
    text = TEXTS[template].format(**values)
    line = {"at": clock.now().isoformat(), "to": to, "template": template, "text": text}
    append_line(settings.SMS_FILE, line)
