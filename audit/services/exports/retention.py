"""What an export was asked for goes with the time of events of administration."""

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.models import Export, ExportDownload, ExportPart
from audit.services.exports.files import GONE
from semafore.kernel.hooks import RetentionSweep
from semafore.kernel.retention import delete, not_held, sweep_rows


def on_retention_sweep(sweep: RetentionSweep) -> None:
    """Count or take exports that ended, with who fetched them; their files went before."""
    stored = Exists(ExportPart.objects.filter(export=OuterRef("pk")))
    due = Export.objects.filter(requested_at__lt=sweep.audit_before, status__in=GONE)
    free = not_held(
        due.exclude(stored),
        sweep.holds,
        since="requested_at",
        until="requested_at",
        person=_of_person,
    )
    sweep_rows(sweep, "exports", free, _delete)


def _of_person(membership_id: UUID) -> Q:
    """Asked for by them, or about them."""
    return Q(people__contains=[str(membership_id)]) | Q(reader=membership_id)


def _delete(found: QuerySet[Export]) -> int:
    ExportDownload.objects.filter(export__in=found).delete()
    return delete(found)
