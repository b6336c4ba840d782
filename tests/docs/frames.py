"""docs/socket.schema.json as the tests use it: each frame that comes, and no field beside."""

import json
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from semafore.local.client.wire import JsonObject

SCHEMA: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "docs" / "socket.schema.json").read_text(encoding="utf-8")
)
VALIDATOR: Final = Draft202012Validator(SCHEMA)


def _frames() -> dict[str, dict[str, Any]]:
    names = (one["$ref"].rpartition("/")[2] for one in SCHEMA["oneOf"])
    frames = (SCHEMA["$defs"][name] for name in names)
    return {frame["properties"]["type"]["const"]: frame for frame in frames}


FRAMES: Final = _frames()
"""Of the server, by type."""


def _closed(frame: dict[str, Any]) -> Draft202012Validator:
    """The published schema is open, for clients bear what is new; all that we send is in it."""
    return Draft202012Validator({**frame, "$defs": SCHEMA["$defs"], "additionalProperties": False})


CLOSED: Final = {name: _closed(frame) for name, frame in FRAMES.items()}


def check_frame(frame: JsonObject) -> None:
    """Raises AssertionError for a frame of the server that is not what the schema says."""
    assert frame.get("type") in FRAMES, f"{frame} has no schema"
    errors = [error.message for error in CLOSED[frame["type"]].iter_errors(frame)]
    assert not errors, (frame, errors)
