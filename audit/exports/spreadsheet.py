"""CSV for spreadsheets: an event a line."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from audit.exports import tables
from audit.exports.rows import ExportedEvent
from audit.sentences import sentence

COLUMNS = (
    "seq",
    "time",
    "type",
    "outcome",
    "sentence",
    "actor",
    "target",
    "subject",
    "room",
    "address",
    "event_id",
    "leaf",
    "data",
)


def header() -> bytes:
    """The names of the columns."""
    return tables.header(COLUMNS)


def encoded(events: Iterable[ExportedEvent]) -> bytes:
    """A line each."""
    return tables.lines(map(_cells, events))


def _cells(event: ExportedEvent) -> list[str]:
    what: dict[str, Any] = json.loads(event.what)
    who: dict[str, Any] | None = json.loads(event.who) if event.who else None
    people = [_named(who, role) for role in ("actor", "target", "subject", "room")]
    return [
        str(event.seq),
        what["time"],
        what["type"],
        what["outcome"],
        sentence(what, who),
        *people,
        who["address"] if who else "",
        str(event.event_id),
        event.leaf.hex(),
        json.dumps(what["data"], ensure_ascii=False, separators=(",", ":")),
    ]


def _named(who: Mapping[str, Any] | None, role: str) -> str:
    """The label as it was frozen, and the id: `Alice (member 0193…)`."""
    one = who and who[role]
    if not one:
        return ""
    kind_and_id = " ".join(filter(None, (one["kind"], one["id"])))
    return f"{one['label']} ({kind_and_id})" if one["label"] else kind_and_id
