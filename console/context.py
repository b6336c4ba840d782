"""What the shell of every page shows."""

from typing import Any

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """The person's seat, None outside a console."""
    return {"seat": getattr(request, "seat", None)}
