"""For development: writes each message to the terminal."""

import sys
from collections.abc import Mapping

from invitations.sms.messages import TEXTS, Template


def deliver(to: str, template: Template, values: Mapping[str, str]) -> None:
    """Write number and text to standard output."""
    sys.stdout.write(f"SMS to {to}: {TEXTS[template].format(**values)}\n")
