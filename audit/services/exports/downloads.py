"""Files of exports are handed out, and that they are is an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.db import transaction

from audit.errors import ExportNotReady
from audit.events.exports import ExportDownloaded
from audit.exports.summary import manifest
from audit.logs import current_log
from audit.models import Export, ExportDownload, ExportPart, ExportStatus
from audit.selectors.checkpoints import checkpoint_of_size
from audit.selectors.exports import organisation_name, own_export, parts_of
from audit.selectors.reading import Reader
from audit.services.exports.records import record_of
from semafore.kernel import clock
from semafore.kernel.actor import current_actor

CONTINUES_FOR = timedelta(hours=1)
"""Within it, ranges that don't begin at the first byte go on with the same download."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A finished export, and what its file is made of."""

    export: Export
    parts: list[ExportPart]


@transaction.atomic
def download_export(*, export_id: UUID, reader: Reader, from_start: bool) -> Handed:
    """The file. Whoever asks for its beginning, or for anything first, downloads it: an event.

    Raises NotFound, NotPermitted for another reader's, ExportNotReady.
    """
    handed = look_at_file(export_id=export_id, reader=reader)
    actor, now = current_actor(), clock.now()
    # Members and programs alone come here, and both have one.
    actor_id = cast("UUID", actor.id)
    begun = ExportDownload.objects.filter(
        export=handed.export,
        actor_id=actor_id,
        address=actor.address,
        began_at__gte=now - CONTINUES_FOR,
    )
    if from_start or not begun.exists():
        ExportDownload.objects.create(
            organisation_id=handed.export.organisation_id,
            export=handed.export,
            actor_id=actor_id,
            address=actor.address,
            began_at=now,
        )
        record_of(
            handed.export,
            ExportDownloaded(
                export_id=handed.export.id,
                length=handed.export.bytes or 0,
                sha256=bytes(handed.export.sha256 or b""),
            ),
        )
    return handed


def look_at_file(*, export_id: UUID, reader: Reader) -> Handed:
    """What a file is, without handing it out. Raises NotFound, NotPermitted, ExportNotReady."""
    found = own_export(export_id, reader)
    over = found.expires_at is not None and found.expires_at <= clock.now()
    if found.status != ExportStatus.DONE or over:
        raise ExportNotReady
    return Handed(found, parts_of(found))


def manifest_of(handed: Handed) -> Mapping[str, Any]:
    """What the file is (docs/exports.md, Manifest)."""
    log = current_log()
    return manifest(
        handed.export,
        handed.parts,
        organisation=organisation_name(),
        log_id=log.log_id,
        checkpoint=checkpoint_of_size(log, handed.export.size),
    )
