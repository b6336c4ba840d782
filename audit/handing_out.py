"""Exports over HTTP, the same in the console and in the API."""

from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from audit.commitments import canonical
from audit.exports.ranges import asked_range, file_response
from audit.exports.summary import file_name, media_type
from audit.selectors.reading import Reader
from audit.services.exports import storage
from audit.services.exports.downloads import download_export, look_at_file, manifest_of


def export_file(request: HttpRequest, export_id: UUID, reader: Reader) -> HttpResponseBase:
    """The file, or a range of it. Raises NotFound, NotPermitted, ExportNotReady."""
    handed = look_at_file(export_id=export_id, reader=reader)
    found, size = handed.export, handed.export.bytes or 0
    etag = f'"{found.digest}"'
    asked = asked_range(
        request.headers.get("Range"), request.headers.get("If-Range"), size=size, etag=etag
    )
    if request.method != "HEAD" and not asked.unmet:
        download_export(export_id=export_id, reader=reader, from_start=asked.first == 0)
    return file_response(
        asked,
        partial(storage.read, handed.parts),
        size=size,
        etag=etag,
        name=file_name(found),
        media_type=media_type(found),
        head=request.method == "HEAD",
    )


def export_manifest(export_id: UUID, reader: Reader) -> HttpResponse:
    """The manifest as a file. Raises NotFound, NotPermitted, ExportNotReady."""
    return HttpResponse(
        canonical(manifest_of(look_at_file(export_id=export_id, reader=reader))),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="manifest-{export_id}.json"'},
    )
