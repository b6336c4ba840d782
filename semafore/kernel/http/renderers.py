"""What the API writes beside JSON."""

from typing import Any

from rest_framework.renderers import BaseRenderer


class TextRenderer(BaseRenderer):
    """UTF-8 text as it stands."""

    media_type = "text/plain"
    format = "text"

    def render(self, data: Any, *_context: Any, **_named: Any) -> bytes:
        """The bytes of the text; of None, none."""
        return b"" if data is None else str(data).encode()


class BinaryRenderer(BaseRenderer):
    """Bytes as they are."""

    media_type = "application/octet-stream"
    format = "binary"
    charset = None
    render_style = "binary"

    def render(self, data: Any, *_context: Any, **_named: Any) -> bytes:
        """The bytes; of None, none."""
        return b"" if data is None else bytes(data)
