"""Files that stand for a service in development: what would have been sent, a line each."""

import json
import os
from collections.abc import Mapping
from typing import Any


def append_line(path: str, line: Mapping[str, Any]) -> None:
    """Append a JSON line to a file that its owner alone can read: codes and tokens stand in it."""
    with open(path, "a", encoding="utf-8", opener=_owners) as outbox:
        # One write of less than a page: lines of several workers don't mix.
        outbox.write(json.dumps(line) + "\n")


def _owners(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
