"""Everything that an organisation holds on one person, as a ZIP (docs/subject-access.md)."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from django.template.loader import render_to_string

from audit.commitments import canonical
from audit.exports import tables
from audit.exports.archive import Archive
from audit.models import Export
from audit.selectors.exports import organisation_name, reader_of_export
from audit.selectors.held import EXAMINED, event_holdings
from audit.selectors.held_of_reading import reading_holdings
from audit.selectors.reading import Reader
from audit.verify_page import inlined_styles
from semafore.kernel import clock, hooks
from semafore.kernel.hooks import HeldOnPerson, Holding

FORMAT = "semafore/subject-access/v1"
HANDED_OUT, SET_ASIDE = "data", "set-aside"
"""Folders."""

SHOWN = 20
"""Rows of each table that stand in the page itself."""
REPORTED = 500
"""Rows between two reports of progress."""
PIECE = 1 << 16


@dataclass(slots=True)
class _Table:
    """A holding as the page shows it: how many rows, and the first."""

    holding: Holding
    folder: str
    count: int = 0
    first: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class _Progress:
    report: Callable[[int], None]
    rows: int = 0

    def step(self) -> None:
        self.rows += 1
        if self.rows % REPORTED == 0:
            self.report(self.rows)


def count(_found: Export) -> None:
    """Nobody can say how many rows there will be."""


def write(found: Export, file: BinaryIO, progress: Callable[[int], None]) -> int:
    """Write the export; how many rows it holds."""
    return write_subject_access(
        file,
        membership_ids=map(UUID, found.people),
        reader=reader_of_export(found),
        made_by=found.requested_by,
        reason=found.reason,
        case_reference=found.case_reference,
        progress=progress,
    )


def write_subject_access(
    file: BinaryIO,
    *,
    membership_ids: Iterable[UUID],
    reader: Reader,
    made_by: str,
    reason: str,
    case_reference: str,
    progress: Callable[[int], None],
) -> int:
    """Write the ZIP into a seekable file; how many rows it holds.

    Of the organisation in scope; all of the person's memberships. `progress` is told the rows so
    far, and what it raises ends the writing. What examines the person stands in a folder of its
    own, which nothing else speaks of, and nowhere if the reader is the person.
    """
    held = HeldOnPerson(frozenset(membership_ids))
    hooks.held_on_person(held)
    holdings = [*held.holdings, *event_holdings(held, reader), *reading_holdings(held, reader)]
    to_the_person = not held.membership_ids.isdisjoint(reader.own)
    done = _Progress(progress)
    heading = {
        "format": FORMAT,
        "organisation": organisation_name(),
        "made_at": clock.now(),
        "made_by": made_by,
        "reason": reason,
        "case_reference": case_reference,
    }
    with ZipFile(file, "w", ZIP_DEFLATED) as zipped:
        archive = Archive(zipped)
        if not to_the_person:
            for one in holdings:
                if one.review:
                    _write(archive, one, done)
            archive.write(f"{SET_ASIDE}/README.txt", [f"{EXAMINED}\n".encode()])
            _end(archive, SET_ASIDE, heading)
        shown = [_write(archive, one, done) for one in holdings if not one.review]
        archive.write("index.html", [_page(heading, shown).encode()])
        _end(archive, "", heading)
    progress(done.rows)
    return done.rows


def _end(archive: Archive, folder: str, heading: dict[str, Any]) -> None:
    """The manifest of what was written since the last one, in this folder."""
    manifest = {**heading, "files": archive.files}
    archive.files = []
    archive.write(f"{folder}/manifest.json".lstrip("/"), [canonical(manifest)])
    archive.files = []


def _write(archive: Archive, holding: Holding, done: _Progress) -> _Table:
    """Both files of a holding: its rows are read once, and the JSON waits on disk for its turn."""
    table = _Table(holding, SET_ASIDE if holding.review else HANDED_OUT)
    path = f"{table.folder}/{holding.name}"

    def lines() -> Iterator[bytes]:
        yield tables.header(holding.columns)
        for row in holding.rows:
            values = list(row)
            cells = [_cell(value) for value in values]
            if table.count < SHOWN:
                table.first.append(cells)
            record = dict(zip(holding.columns, map(_plain, values), strict=True))
            waiting.write(b",\n" if table.count else b"\n")
            waiting.write(json.dumps(record, ensure_ascii=False).encode())
            table.count += 1
            done.step()
            yield tables.lines([cells])

    with TemporaryFile() as waiting:
        heading = json.dumps({"title": holding.title, "note": holding.note}, ensure_ascii=False)
        waiting.write(f'{heading[:-1]}, "rows": ['.encode())
        archive.write(f"{path}.csv", lines(), lambda: table.count)
        waiting.write(b"\n]}\n")
        waiting.seek(0)
        archive.write(f"{path}.json", iter(lambda: waiting.read(PIECE), b""), lambda: table.count)
    return table


def _plain(value: object) -> Any:
    """A value as JSON has it."""
    match value:
        case None | bool() | int():
            return value
        case list() | tuple():
            return [_plain(one) for one in value]
        case dict():
            return {str(name): _plain(one) for name, one in value.items()}
        case datetime():
            return clock.rfc3339(value)
        case date():
            return value.isoformat()
    return str(value)


def _cell(value: object) -> str:
    """A value as a table has it."""
    match _plain(value):
        case None:
            return ""
        case bool() as truth:
            return "yes" if truth else "no"
        case list() as several:
            return "; ".join(map(_cell, several))
        case dict() as named:
            return json.dumps(named, ensure_ascii=False) if named else ""
        case other:
            return str(other)


def _page(heading: dict[str, Any], shown: Sequence[_Table]) -> str:
    return render_to_string(
        "evidence/subject_access.html",
        {
            **heading,
            "made_at": clock.rfc3339(heading["made_at"]),
            "tables": shown,
            "most": SHOWN,
            "styles": inlined_styles(),
        },
    )
