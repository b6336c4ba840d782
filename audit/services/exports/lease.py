"""A worker's hold on an export: while it lasts, nobody else writes; when it is lost, stop."""

import time
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from audit.events.exports import ExportFailed, ExportFinished
from audit.models import Export, ExportPart, ExportStatus
from audit.selectors.exports import parts_of, unfinished
from audit.services.exports import storage
from audit.services.exports.records import record_of
from semafore.kernel import clock

STALE_AFTER = timedelta(minutes=2)
"""Without a sign of life a worker is dead: longer than any statement or object takes."""
BEAT_SECONDS = 1.0
MOST_ATTEMPTS = 5
DEAD_WORKERS = "Its worker ended before it had finished, time after time."


class LeaseLostError(Exception):
    """The export was cancelled, or another worker has it."""


@transaction.atomic
def take() -> "Lease | None":
    """The oldest export that waits or whose worker is dead, now ours; None without one."""
    stale = Q(status=ExportStatus.RUNNING, beat_at__lt=clock.now() - STALE_AFTER)
    ready = unfinished().filter(Q(status=ExportStatus.WAITING) | stale)
    found = ready.order_by("requested_at").select_for_update(skip_locked=True).first()
    if found is None:
        return None
    found.status, found.lease, found.beat_at = ExportStatus.RUNNING, uuid4(), clock.now()
    found.attempts += 1
    found.save(update_fields=["status", "lease", "beat_at", "attempts"])
    return Lease(found)


class Lease:
    """What a worker may do to the export that it holds. Each raises LeaseLostError."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self._beat = time.monotonic()

    def begin(self, *, anew: bool) -> list[ExportPart]:
        """The parts to go on behind; those that were begun or are of no use are gone."""
        with transaction.atomic():
            self._lock()
            useless = ExportPart.objects.filter(export=self.export)
            useless = useless if anew else useless.filter(whole=False)
            names = list(useless.values_list("name", flat=True))
            useless.delete()
        for name in names:
            storage.remove(name)
        parts = parts_of(self.export)
        self._note(done=parts[-1].done if parts else 0)
        return parts

    def beat(self, done: int) -> None:
        """Say that so many events are done; written down once a second."""
        if time.monotonic() - self._beat >= BEAT_SECONDS:
            self._note(done=done)

    def keep(self, content: bytes, *, number: int, after_seq: int, done: int) -> None:
        """Store the next part. Raises StorageError."""
        with transaction.atomic():
            self._lock()
            part = ExportPart.objects.create(
                organisation_id=self.export.organisation_id,
                export=self.export,
                number=number,
                name=storage.new_name(),
                bytes=len(content),
                sha256=sha256(content).digest(),
                after_seq=after_seq,
                done=done,
            )
        try:
            storage.store(part.name, content)
            with transaction.atomic():
                self._lock()
                part.whole = True
                part.save(update_fields=["whole"])
                self._note(done=done)
                if after_seq >= 0:
                    # It gets on: what counts is how often it died since.
                    self._held().update(attempts=1)
        except LeaseLostError:
            # Whoever has the export now knows nothing of what came after the row.
            storage.remove(part.name)
            raise

    @transaction.atomic
    def finish(self, *, done: int, size: int, digest: bytes) -> None:
        """It is whole."""
        found = self._lock()
        found.status, found.lease, found.failure = ExportStatus.DONE, None, ""
        found.done, found.bytes, found.sha256 = done, size, digest
        found.finished_at = found.beat_at = clock.now()
        found.expires_at = found.finished_at + settings.EXPORT_LIFETIME
        found.save()
        record_of(
            found,
            ExportFinished(
                export_id=found.id,
                events=done,
                lost=found.lost,
                length=size,
                sha256=digest,
                expires_at=found.expires_at,
            ),
        )

    @transaction.atomic
    def fail(self, reason: str) -> None:
        """It will not be written, and why."""
        found = self._lock()
        found.status, found.lease, found.failure = ExportStatus.FAILED, None, reason
        found.finished_at = clock.now()
        found.save(update_fields=["status", "lease", "failure", "finished_at"])
        record_of(found, ExportFailed(export_id=found.id, reason=reason))

    def leave(self, reason: str) -> None:
        """Give up for now: once the lease is stale, somebody goes on behind the last part."""
        self._held().update(failure=reason)

    def _note(self, *, done: int) -> None:
        if not self._held().update(done=done, beat_at=clock.now()):
            raise LeaseLostError
        self._beat = time.monotonic()

    def _lock(self) -> Export:
        found = self._held().select_for_update().first()
        if found is None:
            raise LeaseLostError
        return found

    def _held(self) -> QuerySet[Export]:
        return Export.objects.filter(
            id=self.export.id, lease=self.export.lease, status=ExportStatus.RUNNING
        )
