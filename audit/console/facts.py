"""What an event holds, as a page shows it; `static/js/event.js` holds it against the proof."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from audit.sentences import in_words, moment_of, spoken

EXACT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9+/]{43}=")
"""Ids, and 32 bytes in base64."""

PAGES = {
    "member": "member",
    "device": "device",
    "room": "room",
    "party": "party",
    "invitation": "invitation",
    "event": "event",
    "hold": "hold",
    "export": "export",
    "siem_destination": "siem_destination",
}
"""The page of what is named, by its kind; other kinds have none."""

KINDS = {
    "member": "a person",
    "device": "a device",
    "room": "a room",
    "party": "an external party",
    "invitation": "an invitation",
    "event": "an event",
    "hold": "a legal hold",
    "export": "an export",
    "saved_search": "a saved search",
    "siem_destination": "a receiver of events",
    "organisation": "the organisation",
    "service": "a service token",
    "system": "the server itself",
    "operator": "an operator",
    "anonymous": "nobody who was signed in",
    "unknown": "an id that names nothing here",
}


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something that an event names, with the label as it was frozen."""

    path: str
    """Where in the proof the label stands."""
    kind: str
    label: str
    id: str
    page: str
    member: str = ""
    """Of who acts: the membership behind it."""

    only: str = ""
    """The address of its own events; empty where they are what is shown."""

    @property
    def is_a(self) -> str:
        """The kind in words."""
        return KINDS.get(self.kind, self.kind.replace("_", " "))


def named(who: Mapping[str, Any] | None, role: str) -> Named | None:
    """Who stands in this role; None for nobody, and where `who` is deleted."""
    one = who and who[role]
    if not one:
        return None
    # A device acts for its person; a page of the device's own says whose it is.
    page = PAGES.get(one["kind"], "") if one["id"] else ""
    return Named(
        f"who.{role}.label",
        one["kind"],
        one["label"],
        one["id"] or "",
        page,
        one.get("member") or "",
    )


@dataclass(frozen=True, slots=True)
class Value:
    """A value of an event's data, and where in the proof it stands."""

    path: str
    shown: str
    moment: datetime | None
    """What it is, if it is a time."""
    words: str = ""
    """What it says, if the code named it."""
    exact: bool = False
    """Whether it is an id or a hash, to be compared sign by sign."""


@dataclass(frozen=True, slots=True)
class Datum:
    """A line of an event's data: a value, or one before and one after."""

    label: str
    value: Value | None = None
    before: Value | None = None
    after: Value | None = None

    @property
    def same(self) -> bool:
        """Whether it is after what it was before."""
        if self.before is None or self.after is None:
            return False
        return self.before.shown == self.after.shown


def _value(path: str, value: Any) -> Value:
    exact = isinstance(value, str) and EXACT.fullmatch(value) is not None
    return Value(path, in_words(value), moment_of(value), spoken(value), exact)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def changes(what: Mapping[str, Any]) -> list[Datum]:
    """What was one way before and is another after."""
    data = what["data"]
    if not {"before", "after"} <= data.keys():
        return []
    before, after = data["before"], data["after"]
    path = "what.data"
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [
            Datum(
                "Changed",
                before=_value(f"{path}.before", before),
                after=_value(f"{path}.after", after),
            )
        ]
    return [
        Datum(
            _label(name),
            before=_value(f"{path}.before.{name}", before[name]) if name in before else None,
            after=_value(f"{path}.after.{name}", after[name]) if name in after else None,
        )
        for name in sorted(before.keys() | after.keys())
    ]


def values(what: Mapping[str, Any]) -> list[Datum]:
    """The rest of the data."""
    data = what["data"]
    changed = {"before", "after"} if {"before", "after"} <= data.keys() else set()
    return [
        Datum(_label(name), value=_value(f"what.data.{name}", value))
        for name, value in data.items()
        if name not in changed
    ]


def event_named(what: Mapping[str, Any] | None) -> UUID | None:
    """The other event that an event is about, if any."""
    named = what and what["data"].get("event_id")
    return UUID(named) if named else None
