"""Writes docs/vectors: `python -m tests.docs.vectors.make`. The tests compare files and code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.docs.vectors import keys, logs, sessions
from tests.docs.vectors.people import Vector

FOLDER: Final = Path(__file__).parents[3] / "docs" / "vectors"
FILES: Final[dict[str, Callable[[], Vector]]] = {
    "public-keys": keys.public_keys,
    "xeddsa": keys.xeddsa,
    "signed-messages": keys.signed_messages,
    "fingerprint": keys.fingerprints,
    "digest": keys.digests,
    "x3dh": sessions.x3dh,
    "conversation": sessions.conversation,
    "content": sessions.contents,
    "log": logs.log,
}


def written(name: str) -> str:
    """What the file holds."""
    return json.dumps(FILES[name](), ensure_ascii=False, indent=1) + "\n"


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


if __name__ == "__main__":
    for name in FILES:
        path_of(name).write_text(written(name), encoding="utf-8")
