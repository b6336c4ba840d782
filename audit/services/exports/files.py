"""The files of exports go: when their time is over, when nobody wants them, when they are lost."""

from uuid import UUID

from django.db import transaction

from audit.events.exports import ExportCancelled, ExportExpired
from audit.models import Export, ExportPart, ExportStatus
from audit.services.exports import storage
from audit.services.exports.records import record_of
from semafore.kernel import clock, hooks
from semafore.kernel.permissions import Permission
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import locate

GONE = (ExportStatus.CANCELLED, ExportStatus.FAILED, ExportStatus.EXPIRED)
"""What has no file, or is to have none."""
AT_ONCE = 100
"""Objects that are looked up together."""


def expire_exports() -> int:
    """End exports whose time is over, and delete what is left of those that ended; how many."""
    expired = _expire() + _end_of_who_may_not()
    return max(expired, remove_files())


@transaction.atomic
def _expire() -> int:
    due = Export.objects.filter(status=ExportStatus.DONE, expires_at__lte=clock.now())
    found = list(due.select_for_update(skip_locked=True)[:BATCH])
    for one in found:
        one.status = ExportStatus.EXPIRED
        one.save(update_fields=["status"])
        record_of(one, ExportExpired(export_id=one.id))
    return len(found)


@transaction.atomic
def _end_of_who_may_not() -> int:
    """Exports whose reader has left, or has another role: nobody may have their files."""
    kept = Export.objects.exclude(status__in=GONE).exclude(reader=None)
    readers = frozenset(kept.values_list("reader_id", flat=True))
    holders = hooks.PermissionHolders(Permission.AUDIT_EXPORT, readers)
    hooks.permission_holders(holders)
    due = kept.filter(reader_id__in=readers - holders.found)
    found = list(due.select_for_update(of=("self",), skip_locked=True)[:BATCH])
    for one in found:
        if one.status == ExportStatus.DONE:
            one.status = ExportStatus.EXPIRED
            record_of(one, ExportExpired(export_id=one.id))
        else:
            one.status, one.lease, one.finished_at = ExportStatus.CANCELLED, None, clock.now()
            record_of(one, ExportCancelled(export_id=one.id))
        one.save(update_fields=["status", "lease", "finished_at"])
    return len(found)


def remove_files(export_id: UUID | None = None) -> int:
    """Delete objects of exports that have no file, of one or a batch of all; how many.

    Raises StorageError.
    """
    parts = ExportPart.objects.filter(export__status__in=GONE).order_by("id")
    if export_id is not None:
        parts = parts.filter(export_id=export_id)
    found = list(parts[:BATCH])
    for part in found:
        storage.remove(part.name)
        part.delete()
    return len(found)


def drop_orphaned_files() -> int:
    """Delete objects that no row names, such as a dying worker's last; how many.

    Rows are there before their objects, so none is taken that somebody is about to name.
    """
    names, dropped = storage.names(), 0
    for first in range(0, len(names), AT_ONCE):
        some = names[first : first + AT_ONCE]
        known = set(locate(ExportPart).filter(name__in=some).values_list("name", flat=True))
        for name in some:
            if name not in known:
                storage.remove(name)
                dropped += 1
    return min(dropped, BATCH - 1)
