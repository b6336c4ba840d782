"""Tables as CSV that a spreadsheet may open: it knows UTF-8 by the mark, and computes no cell."""

import codecs
import csv
import io
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a formula begins (OWASP, CSV injection), in full width too."""


def header(columns: Iterable[str]) -> bytes:
    """The byte order mark, by which spreadsheets know UTF-8, and the names of the columns."""
    return codecs.BOM_UTF8 + lines([columns])


def lines(rows: Iterable[Iterable[str]]) -> bytes:
    """A line each (RFC 4180); every cell in quotation marks, whatever separates cells elsewhere."""
    text = io.StringIO()
    cells = (map(guarded, row) for row in rows)
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(cells)
    return text.getvalue().encode()


def guarded(cell: str) -> str:
    """The text; with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell
