"""Texts in lines of a log: no control characters, and no longer than receivers take.

Somebody typed these texts. A newline in one would start a line of its own in a receiver's file.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from audit.siem.fields import Fields

MESSAGE_MAX_BYTES: Final = 8000
"""Unless it is told otherwise, rsyslog cuts a message off at 8096 bytes, amid whatever is there."""

VALUE_MAX_BYTES: Final = (1024, 256)
"""What texts are cut to, one after the other, where a message is too long."""

CUT: Final = "…"

PICTURES: Final = {
    **{code: 0x2400 + code for code in range(0x20)},
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    **dict.fromkeys((0x85, 0x2028, 0x2029), 0x2424),
    0x7F: 0x2421,
}
"""Unicode's pictures of control characters: `␊` for a newline, `␤` for what else may end a line.

The few that have no picture become U+FFFD.
"""

JSON_ESCAPES: Final = {code: f"\\u{code:04x}" for code in PICTURES}


def pictured(text: str) -> str:
    """The text with control characters as their pictures."""
    return text if text.isprintable() else text.translate(PICTURES)


def shortened(text: str, most: int) -> str:
    """As much of the text as fits into so many bytes of UTF-8, with `…` where it was cut."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[: most - len(CUT.encode())].decode(errors="ignore") + CUT


def as_json(fields: Fields) -> str:
    """The rest of the type's data in one text; empty if there is none."""
    if not fields.data:
        return ""
    # JSON has an escape for what would become a picture, so that the data stay as they are.
    written = json.dumps(fields.data, ensure_ascii=False, separators=(",", ":"))
    return written.translate(JSON_ESCAPES)


Write = Callable[[Mapping[str, str]], bytes]


def fitted(values: Mapping[str, str], write: Write, *, droppable: str) -> bytes:
    """What `write` makes of the values, within the limit.

    Of a message that is too long `droppable` (and its label) is left out first: half of a JSON text
    is none; then all texts are cut. `cut` names what isn't whole.
    """
    written = write(values)
    if len(written) <= MESSAGE_MAX_BYTES:
        return written
    kept = {name: value for name, value in values.items() if not name.startswith(droppable)}
    lost = [droppable] if droppable in values else []
    written = write(kept | _cut(lost))
    for most in VALUE_MAX_BYTES:
        if len(written) <= MESSAGE_MAX_BYTES:
            break
        short = {name: shortened(value, most) for name, value in kept.items()}
        written = write(
            short | _cut([*lost, *(name for name in kept if short[name] != kept[name])])
        )
    return written


def _cut(names: Iterable[str]) -> dict[str, str]:
    return {"cut": " ".join(names)}
