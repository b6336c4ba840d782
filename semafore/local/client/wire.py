"""How values travel in the API's JSON (api.md)."""

import base64
from typing import Any

JsonObject = dict[str, Any]


def encode(value: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(value).decode("ascii")


def decode(value: str) -> bytes:
    """Return the bytes of standard base64; raises ValueError on anything else."""
    return base64.b64decode(value, validate=True)
