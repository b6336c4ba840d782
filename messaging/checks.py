"""System checks of pushes."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's name

DEVELOPMENT = ("console", "file")


@register(Tags.security, deploy=True)
def production_wakes_devices(**_kwargs: Any) -> list[CheckMessage]:
    """Production reaches Apple or Google; a warning, for messages arrive without a push too."""
    if settings.PUSH_BACKEND not in DEVELOPMENT:
        return []
    return [
        Warning(
            f"PUSH_BACKEND is {settings.PUSH_BACKEND!r}: no device is woken, tokens are written.",
            hint="Set PUSH_BACKEND to service, with the settings of Apple's service or Google's.",
            id="messaging.W001",
        )
    ]
