"""What retention deletes or has deleted, by kind in words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from audit.models import RetentionPeriods
from audit.registry import EventClass
from audit.selectors.reading import Reader
from audit.sentences import CLASSES
from audit.services.retention.sweeps import preview

PEOPLE_GO_FIRST = (EventClass.TRANSIT, EventClass.RETENTION, EventClass.LOG)
"""Their people are deleted before the rest is, if that ever is."""

ROWS: Mapping[str, str] = MappingProxyType(
    {
        "contents": "Hashes of ciphertexts",
        "deliveries": "Records of deliveries",
        "messages": "Records of messages",
        "skips": "Records of devices that a message left out",
    }
)
"""Of the rows that a sweep counts, those whose bare name would say too much or too little."""


class Count(NamedTuple):
    """How much of a kind the next sweep deletes."""

    what: str
    number: int


def counts(after: Mapping[str, int], reader: Reader) -> list[Count]:
    """What the next sweep deletes with these periods, by kind in words, as far as one may know."""
    counted = preview(RetentionPeriods(**after), reader=reader)
    return [
        *(
            Count(part_in_words(part.event_class, part.part), part.count)
            for part in counted.parts
            if part.part == "what" or part.event_class in PEOPLE_GO_FIRST
        ),
        *(Count(row_in_words(name), number) for name, number in counted.rows.items()),
    ]


def part_in_words(event_class: int, part: str) -> str:
    """Parts of events of a class."""
    about = CLASSES[EventClass(event_class)]
    return f"{about}: whole events" if part == "what" else f"{about}: the people in events"


def row_in_words(name: str) -> str:
    """Rows of a kind."""
    return ROWS.get(name) or name.replace("_", " ").capitalize()
