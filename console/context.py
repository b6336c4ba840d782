"""What the shell of every page shows."""

from typing import Any

from django.http import HttpRequest

from console.navigation import shell_of


def shell(request: HttpRequest) -> dict[str, Any]:
    """The person's seat, None outside a console, and what stands around the page."""
    return {"seat": getattr(request, "seat", None), "shell": shell_of(request)}
