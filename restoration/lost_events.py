"""Copies of events as they left the server: exports in JSON Lines, and what a SIEM received.

Nothing here proves them: whoever names a file to `after_restore` answers for it, and its digest
stands in the log.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.siem.fields import PREFIXES

SUCCESS = "success"


class UnreadableError(Exception):
    """A line that is no event of ours in any of these formats."""


@dataclass(frozen=True, slots=True)
class LostEvent:
    """What is needed of an event to carry it out again."""

    id: UUID
    organisation_id: UUID | None
    """None in an export, which doesn't say whose it is."""
    seq: int
    type: str
    outcome: str
    reason: str
    about: dict[str, UUID]
    """Target, subject and room, by their kind: `device`, `member`, `room`, …"""
    data: dict[str, Any]
    """The type's own, as far as the format has it."""


def read(lines: Iterable[str]) -> Iterator[LostEvent]:
    """The events of a file: JSON Lines, OCSF, Splunk's HEC, RFC 5424. Raises UnreadableError."""
    for number, line in enumerate(lines, start=1):
        try:
            yield from _of_line(line.strip().lstrip("\ufeff"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"line {number}: {type(error).__name__} {error}"
            raise UnreadableError(message) from error


def _of_line(line: str) -> Iterator[LostEvent]:
    if line.startswith("{"):
        for found in _objects(line):
            yield _of_json(found)
    elif line:
        yield _of_syslog(line)


def _objects(line: str) -> Iterator[dict[str, Any]]:
    """A collector's request holds several objects, one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(line):
        found, at = decoder.raw_decode(line, at)
        yield found
        at += len(line[at:]) - len(line[at:].lstrip())


def _of_json(found: dict[str, Any]) -> LostEvent:
    if "what" in found:
        return _of_export(found)
    return _of_ocsf(found.get("event", found))


def _of_export(found: dict[str, Any]) -> LostEvent:
    what, who = found["what"], found["who"] or {}
    about: dict[str, UUID] = {}
    for role in ("target", "subject", "room"):
        named = who.get(role)
        if named and named["id"]:
            about.setdefault(named["kind"], UUID(named["id"]))
    data = dict(what["data"])
    return LostEvent(
        id=UUID(found["id"]),
        organisation_id=None,
        seq=found["seq"],
        type=what["type"],
        outcome=what["outcome"],
        reason=data.pop("reason", ""),
        about=about,
        data=data,
    )


def _of_ocsf(found: dict[str, Any]) -> LostEvent:
    metadata, ours = found["metadata"], found["unmapped"]["semafore"]
    data = dict(ours.get("data", {}))
    reason: str = found.get("comment") or data.pop("reason", "")
    entity = found.get("entity", {})
    owner = entity.get("device", {}).get("owner", {})
    named = [
        *(ours.get(role, {}) for role in ("target", "subject", "room")),
        *(found.get(role, {}) for role in ("entity", "user", "group", "resource")),
        owner,
        *found.get("resources", ()),
    ]
    return LostEvent(
        id=_id(metadata["uid"]),
        organisation_id=_id(metadata["tenant_uid"]),
        seq=metadata["sequence"],
        type=metadata["event_code"],
        outcome=SUCCESS if found["status_id"] == 1 else "denied",
        reason=reason,
        about=_about(one.get("uid", "") for one in named),
        data=data,
    )


ELEMENT = re.compile(r'\[semafore@\d+((?: [a-z_]+="(?:[^"\\\]]|\\.)*")*)\]')
PARAMETER = re.compile(r' ([a-z_]+)="((?:[^"\\\]]|\\.)*)"')
HEADER = re.compile(r"(?:^|\s)<\d+>1 \S+ \S+ \S+ \S+ (\S+) ")


def _of_syslog(line: str) -> LostEvent:
    header, element = HEADER.search(line), ELEMENT.search(line)
    if header is None or element is None:
        raise ValueError("neither JSON nor RFC 5424 of this server")
    values = {name: re.sub(r"\\(.)", r"\1", value) for name, value in PARAMETER.findall(element[1])}
    return LostEvent(
        id=_id(values["id"]),
        organisation_id=_id(values["org"]),
        seq=int(values["seq"]),
        type=header[1],
        outcome=values["outcome"],
        reason=values.get("reason", ""),
        about=_about(values.get(role, "") for role in ("target", "subject", "room")),
        data=json.loads(values.get("data", "{}")),
    )


KINDS = {prefix: kind for kind, prefix in PREFIXES.items() if kind != "service"}


def _about(uids: Iterable[str]) -> dict[str, UUID]:
    """By kind; the first of a kind counts, as the target comes before whom it is of."""
    about: dict[str, UUID] = {}
    for uid in uids:
        prefix, _, _ = uid.rpartition("_")
        if prefix:
            about.setdefault(KINDS.get(prefix, prefix), _id(uid))
    return about


def _id(uid: str) -> UUID:
    return UUID(uid.rpartition("_")[2])
