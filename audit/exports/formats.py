"""Which format is written how: line by line, or as a file that is put together whole.

Lines go on where a killed worker left them; an assembled file is begun anew.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO

from audit.exports import bundle, json_lines, spreadsheet, subject_access
from audit.exports.rows import ExportedEvent
from audit.models import Export, ExportFormat
from audit.selectors.exports import matching

Progress = Callable[[int], None]
"""Told how many events or rows are done, often; raises where the work is to stop."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A format of independent lines."""

    header: Callable[[], bytes]
    encoded: Callable[[Iterable[ExportedEvent]], bytes]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A format that needs a seekable file."""

    write: Callable[[Export, BinaryIO, Progress], int]
    """Into the file; how many events or rows it holds."""
    count: Callable[[Export], int | None]
    """How many there are to be, before and again after; None where nobody can say."""


LINES: Mapping[str, Lines] = MappingProxyType(
    {
        ExportFormat.CSV: Lines(spreadsheet.header, spreadsheet.encoded),
        ExportFormat.JSON_LINES: Lines(json_lines.header, json_lines.encoded),
    }
)

ASSEMBLED: Mapping[str, Assembled] = MappingProxyType(
    {
        ExportFormat.BUNDLE: Assembled(bundle.write, bundle.count),
        ExportFormat.SUBJECT_ACCESS: Assembled(subject_access.write, subject_access.count),
    }
)


def counted(found: Export) -> int | None:
    """How many events or rows it is to hold, as of now."""
    if found.format in LINES:
        return matching(found).count()
    return ASSEMBLED[found.format].count(found)
