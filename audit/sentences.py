"""An event in plain words: its type's sentence, with the names as they were frozen in it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.text import capfirst

from audit.registry import REGISTRY, EventClass

PEOPLE = ("actor", "target", "subject", "room")
SOMEBODY = {"actor": "somebody", "room": "a room"}
"""Where no name stands in an event, or none any more."""

CLASSES = {
    EventClass.ADMINISTRATION: "Administration, sign-in, exports, reading of audit data",
    EventClass.TRANSIT: "Messages and broadcasts in transit",
    EventClass.DEVICE_KEYS: "Keys of devices",
    EventClass.RETENTION: "Retention and holds",
    EventClass.LOG: "The log itself",
    EventClass.CLAIMS: "Claims, refusals and limits",
}
"""What the events of a class are about."""

OUTCOMES = {"success": "Done", "denied": "Refused"}
"""How an act ended."""

FILTERS = {
    "from_at": "From",
    "to_at": "To",
    "action": "What happened",
    "actor": "Who",
    "target": "To whom or what",
    "room": "Room",
    "about": "Concerns",
    "outcome": "Outcome",
    "address": "Address",
    "message": "Message",
}
"""What the fields of an `EventFilter` say, in the order of an address."""

TWO_ENDS = re.compile(r"([.!?…])\.$|\.\)\.$")
"""Where a text that somebody typed ends the sentence, or ends in brackets before it does."""

SYMBOL = re.compile(r"[a-z]+(?:_[a-z]+)+")
"""One of several values that the code names, such as `in_person`."""

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return SOMEBODY.get(name, "somebody or something")


def sentence(what: Mapping[str, Any], who: Mapping[str, Any] | None) -> str:
    """What happened; without `who`, as far as that can be said."""
    event_type = REGISTRY.get(what["type"])
    if event_type is None:
        return f"An event of the former type {what['type']}."
    data = {name: spoken(value) or in_words(value) for name, value in what["data"].items()}
    labels = {
        name: who[name]["label"]
        for name in PEOPLE
        if who is not None and who[name] and who[name]["label"]
    }
    said = event_type.sentence.format_map(_Known(data | labels))
    return capfirst(TWO_ENDS.sub(lambda found: found[1] or ").", said))


def type_in_words(name: str) -> str:
    """A type of events, shortly."""
    return capfirst(name.replace(".", " ").replace("_", " "))


def moment_of(value: Any) -> datetime | None:
    """The time that a value of an event's data is; None if it is none."""
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return datetime.fromisoformat(value)
    return None


def spoken(value: Any) -> str:
    """A value that the code names, without its underscores; empty for any other."""
    symbol = isinstance(value, str) and SYMBOL.fullmatch(value)
    return value.replace("_", " ") if symbol else ""


def in_words(value: Any) -> str:
    """A value of an event's data, to be read; `static/js/event.js` writes the same."""
    match value:
        case None:
            return "None"
        case bool():
            return "Yes" if value else "No"
        case list():
            nested = any(isinstance(one, dict | list) for one in value)
            return ("; " if nested else ", ").join(map(_inside, value)) or "None"
        case dict():
            pairs = (f"{name.replace('_', ' ')} {_inside(one)}" for name, one in value.items())
            return ", ".join(pairs) or "None"
    if moment := moment_of(value):
        return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
    return str(value)


def _inside(value: Any) -> str:
    """A value within another, where a time stands as it was recorded."""
    return value if isinstance(value, str) else in_words(value)
