"""How tiles are addressed (C2SP tlog-tiles): level, index, and the width of one that isn't full.

An index is in groups of three digits, all but the last with `x`: 1234067 is `x001/x234/067`.
"""

import re

from audit.tiles import WIDTH

LEVELS = {str(level): level for level in range(64)}
"""In their one spelling."""

_PLACE = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?")


def place(index: int, width: int = WIDTH) -> str:
    """`<index>`, and `.p/<width>` where the tile isn't full."""
    last = f"{index % 1000:03}"
    while index := index // 1000:
        last = f"x{index % 1000:03}/{last}"
    return last if width == WIDTH else f"{last}.p/{width}"


def parse_place(text: str) -> tuple[int, int]:
    """Index and width, 1 to 256. Raises ValueError for any other than the one spelling."""
    if match := _PLACE.fullmatch(text):
        index = int(re.sub("[x/]", "", match[1]))
        width = WIDTH if match[2] is None else int(match[2])
        if 0 < width <= WIDTH and place(index, width) == text:
            return index, width
    raise ValueError(f"{text!r} is not how a tile's place is written")
