"""JSON Lines: an event a line, its parts as the very bytes that the log committed to."""

from binascii import b2a_base64
from collections.abc import Iterable

from audit.exports.rows import ExportedEvent


def header() -> bytes:
    """Nothing stands before the first line."""
    return b""


def encoded(events: Iterable[ExportedEvent]) -> bytes:
    """A line each (docs/exports.md). The parts are canonical JSON already: nothing is parsed."""
    return b"".join(
        b'{"class":%d,"id":"%s","leaf":"%s","seq":%d,"what":%s,"who":%s}\n'
        % (
            event.event_class,
            str(event.event_id).encode(),
            b2a_base64(event.leaf, newline=False),
            event.seq,
            event.what,
            event.who or b"null",
        )
        for event in events
    )
