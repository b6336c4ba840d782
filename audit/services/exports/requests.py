"""Exports are asked for, and cancelled."""

from collections.abc import Sequence
from uuid import UUID

from celery import signature
from django.db import transaction

from audit.errors import ExportFinished, ExportInvalid
from audit.events.exports import ExportCancelled, ExportRequested
from audit.exports.formats import counted
from audit.logs import current_log
from audit.models import Export, ExportFormat, ExportStatus
from audit.models.retention import LABEL_LENGTH
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.events import EventFilter
from audit.selectors.exports import exports, filter_as_json
from audit.selectors.known import ids_in, known
from audit.selectors.reading import Reader
from audit.services.examined import people_in
from audit.services.exports.records import record_of
from audit.services.recording import Ref
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.problems import NotFound
from semafore.kernel.tasks import queue_after_commit
from semafore.kernel.tenancy import current_organisation_id

WRITE = "audit.write_exports"
"""The task's name (audit/tasks.py)."""


@transaction.atomic
def request_export(
    *,
    format: ExportFormat,  # noqa: A002 - the field's name
    chosen: EventFilter,
    reader: Reader,
    reason: str,
    case_reference: str,
    person: Sequence[Ref] = (),
) -> Export:
    """Have the events that fit, up to the newest checkpoint, written to a file.

    `person` are the memberships that the export is about, where the filter doesn't say it. Raises
    ExportInvalid for a filter that names two people, and while the log has no checkpoint.
    """
    checkpoint = latest_checkpoint(current_log())
    if checkpoint is None:
        raise ExportInvalid(detail="The log has no checkpoint yet. The first comes in a second.")
    about = list(person) or _person_in(chosen)
    room = _room_in(chosen)
    found = Export(
        organisation_id=current_organisation_id(),
        format=format,
        chosen=filter_as_json(chosen),
        people=[str(one.id) for one in about],
        person_label=about[0].label[:LABEL_LENGTH] if about else "",
        room_label=room.label[:LABEL_LENGTH] if room else "",
        reason=reason,
        case_reference=case_reference,
        requested_at=clock.now(),
        requested_by=current_actor().label[:LABEL_LENGTH],
        reader_id=reader.membership_id,
        permissions=sorted(reader.permissions),
        size=checkpoint.size,
        beat_at=clock.now(),
    )
    found.stated = counted(found)
    found.save(force_insert=True)
    record_of(
        found,
        ExportRequested(
            export_id=found.id,
            format=ExportFormat(format).label,
            filters=chosen.given(),
            reason=reason,
            case_reference=case_reference,
            size=found.size,
            events=found.stated,
        ),
    )
    queue_after_commit(signature(WRITE))
    return found


@transaction.atomic
def cancel_export(*, export_id: UUID, reader: Reader) -> Export:
    """Write no more of it; what is written goes. Raises NotFound, ExportFinished."""
    found = exports(reader).filter(id=export_id).select_for_update(of=("self",)).first()
    if found is None:
        raise NotFound
    if found.finished:
        raise ExportFinished
    found.status, found.lease, found.finished_at = ExportStatus.CANCELLED, None, clock.now()
    found.save(update_fields=["status", "lease", "finished_at"])
    record_of(found, ExportCancelled(export_id=found.id))
    return found


def _person_in(chosen: EventFilter) -> list[Ref]:
    """The one person whom the filter names. Raises ExportInvalid for two."""
    people = {one.id: one for one in people_in(chosen.given()).values()}
    if len(people) > 1:
        raise ExportInvalid(
            detail="Name one person in an export: each must be left out of what is about them."
        )
    return list(people.values())


def _room_in(chosen: EventFilter) -> Ref | None:
    """The room that it names."""
    named = known(ids_in(chosen.given()).values()).values()
    return next((Ref("room", one.id, one.label) for one in named if one.kind == "room"), None)
