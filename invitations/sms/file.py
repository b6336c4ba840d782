"""For development and tests: appends each message to SMS_FILE, as JSON Lines."""

import json
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from invitations.sms.messages import TEXTS, Template
from semafore.kernel import clock


def deliver(to: str, template: Template, values: Mapping[str, str]) -> None:
    """Append a line with time, number, template and text."""
    text = TEXTS[template].format(**values)
    line = {"at": clock.now().isoformat(), "to": to, "template": template, "text": text}
    with Path(settings.SMS_FILE).open("a", encoding="utf-8") as outbox:
        outbox.write(json.dumps(line) + "\n")
