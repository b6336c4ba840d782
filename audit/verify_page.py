"""Pages that go out in a bundle: one file each, that needs no network and no server."""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string

STATIC = Path(settings.ROOT) / "static"
STYLES = ("tokens", "text", "forms", "parts", "shell", "print")


@cache
def inlined_styles() -> str:
    """The console's styles, to stand inside a page."""
    return "\n".join((STATIC / f"css/{name}.css").read_text("utf-8") for name in STYLES)


@cache
def verify_page() -> str:
    """`verify.html`, script inside: a page from file:// can't import a module's file."""
    script = (STATIC / "js/verifier.js").read_text("utf-8")
    return render_to_string("evidence/verify.html", {"styles": inlined_styles(), "script": script})
