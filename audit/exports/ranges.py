"""A file over HTTP, whole or by ranges (RFC 9110, section 14): in chunks, never in memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
"""Digits for any file; of thousands Python makes no number."""


class Read(Protocol):
    """Reads the bytes from `first` to `last`, both included."""

    def __call__(self, *, first: int, last: int) -> Iterator[bytes]:
        """In chunks."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The range that is asked for; `first` beyond `last` where the file has none of it."""

    first: int
    last: int
    partial: bool

    @property
    def unmet(self) -> bool:
        """The file has none of it: 416."""
        return self.partial and self.first > self.last


def asked_range(header: str | None, if_range: str | None, *, size: int, etag: str) -> Asked:
    """What `Range` and `If-Range` ask for: everything, where they can't be understood or met.

    One range alone: of several, everything is sent, as the RFC allows.
    """
    whole = Asked(0, size - 1, partial=False)
    match = RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None or match[0] == "bytes=-" or (if_range is not None and if_range != etag):
        return whole
    begin, end = match[1], match[2]
    if not begin:
        length = min(int(end), size)
        return Asked(size - length, size - 1, partial=True)
    last = min(int(end), size - 1) if end else size - 1
    if end and int(end) < int(begin):
        return whole
    return Asked(int(begin), last, partial=True)


def file_response(
    asked: Asked, read: Read, *, size: int, etag: str, name: str, media_type: str, head: bool
) -> HttpResponseBase:
    """200, 206 or 416, with the length, and the name under which it is to be saved."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if asked.unmet:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    headers |= {"Content-Type": media_type, "Content-Length": str(asked.last + 1 - asked.first)}
    if asked.partial:
        headers["Content-Range"] = f"bytes {asked.first}-{asked.last}/{size}"
    status = 206 if asked.partial else 200
    if head:
        return HttpResponse(status=status, headers=headers)
    pieces = read(first=asked.first, last=asked.last)
    return StreamingHttpResponse(pieces, status=status, headers=headers)
