"""What the writers of lines are given."""

from typing import NamedTuple
from uuid import UUID


class ExportedEvent(NamedTuple):
    """A sequenced event with what is left of it; the parts as they were recorded."""

    seq: int
    event_id: UUID
    event_class: int
    leaf: bytes
    """32 bytes."""
    who: bytes | None
    """None where retention deleted the people."""
    what: bytes
