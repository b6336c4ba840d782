"""System checks of text messages."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

DEVELOPMENT = ("console", "file")


@register(Tags.security, deploy=True)
def production_sends_messages(**_kwargs: Any) -> list[CheckMessage]:
    """Production names a backend that reaches phones, and writes no codes to a file."""
    if settings.SMS_BACKEND not in DEVELOPMENT:
        return []
    return [
        Error(
            f"SMS_BACKEND is {settings.SMS_BACKEND!r}: codes would be written here, not sent.",
            hint="Set SMS_BACKEND to twilio or notify, with the settings of that service.",
            id="invitations.E001",
        )
    ]
