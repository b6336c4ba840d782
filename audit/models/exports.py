"""Exports: what was asked for, how far it is, and the objects that its file is made of."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from audit.models.retention import CASE_REFERENCE_LENGTH, LABEL_LENGTH, REASON_LENGTH
from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel

NAME_LENGTH = 64
"""Of an object in the storage: random hexadecimals, which tell nothing and can't be guessed."""


class ExportFormat(models.TextChoices):
    """What an export is written as (product.md, section 6)."""

    CSV = "csv", "CSV, for a spreadsheet"
    JSON_LINES = "json_lines", "JSON Lines, for a program"
    BUNDLE = "evidence_bundle", "Evidence bundle, to be verified by somebody else"
    SUBJECT_ACCESS = "subject_access", "Subject access export"


class ExportStatus(models.TextChoices):
    """How far an export is."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


class Export(TenantModel):
    """One export: asked for once, written by whichever worker holds its lease, kept for days."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    format = models.CharField(max_length=20, choices=ExportFormat)
    chosen = models.JSONField(default=dict)
    """What of an `EventFilter` is given, as JSON."""
    people = models.JSONField(default=list)
    """The memberships that it is about, as texts: never shown to them, but for who asked."""
    person_label = models.CharField(max_length=LABEL_LENGTH, blank=True)
    room_label = models.CharField(max_length=LABEL_LENGTH, blank=True)
    """As they read when it was asked for."""
    reason = models.CharField(max_length=REASON_LENGTH)
    case_reference = models.CharField(max_length=CASE_REFERENCE_LENGTH, blank=True)
    requested_at = models.DateTimeField(default=clock.now)
    requested_by = models.CharField(max_length=LABEL_LENGTH)
    """The name of the person or the program."""
    reader = models.ForeignKey(
        "orgs.Membership",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    """As whom it reads: who asked, or who issued the token that did. The file is theirs alone."""
    permissions = models.JSONField(default=list)
    """The reader's, when it was asked for."""
    size = models.PositiveBigIntegerField()
    """Entries of the log that it goes by: those of the newest checkpoint when it was asked for."""
    stated = models.PositiveBigIntegerField(null=True)
    """How many events it was to hold; None where that isn't known before."""
    done = models.PositiveBigIntegerField(default=0)
    """How many are written."""
    status = models.CharField(
        max_length=9, choices=ExportStatus, default=ExportStatus.WAITING, editable=False
    )
    lease = models.UUIDField(null=True)
    """Of the worker that writes; whoever holds another one writes no more."""
    beat_at = models.DateTimeField(default=clock.now)
    """The worker's last sign of life."""
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=REASON_LENGTH, blank=True)
    """Why it failed, for its page."""
    bytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.BinaryField(null=True)
    """Of the file; 32 bytes."""
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "id"], name="export_org_id"),
            models.CheckConstraint(
                condition=~Q(status="done")
                | Q(bytes__isnull=False, sha256__isnull=False, expires_at__isnull=False),
                name="export_done_is_whole",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-requested_at", "-id"], name="export_by_age"),
            models.Index(
                fields=["organisation", "requested_at"],
                condition=Q(status__in=("waiting", "running")),
                name="export_to_be_written",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def finished(self) -> bool:
        """Nothing more will be written."""
        return self.status not in {ExportStatus.WAITING, ExportStatus.RUNNING}

    @property
    def digest(self) -> str:
        """The SHA-256 in hexadecimals; empty before it is done."""
        return bytes(self.sha256 or b"").hex()

    @property
    def lost(self) -> int:
        """How many that were counted retention took before they were written."""
        return max((self.stated or 0) - self.done, 0)


class ExportPart(TenantModel):
    """An object in the storage; the file is the parts in their order.

    The row is there before the object, so an object without a row is nobody's.
    """

    export = models.ForeignKey(
        Export, on_delete=models.DO_NOTHING, db_constraint=False, related_name="parts"
    )
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.BinaryField()
    after_seq = models.BigIntegerField()
    """The place of the last event in it: the next part goes on behind it."""
    done = models.PositiveBigIntegerField()
    """Events up to its end."""
    whole = models.BooleanField(default=False)
    """The object is stored."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "export", "number"], name="export_part_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.export_id} {self.number}"


class ExportDownload(TenantModel):
    """Who began to fetch which file when: what is fetched by ranges is one download."""

    export = models.ForeignKey(
        Export, on_delete=models.DO_NOTHING, db_constraint=False, related_name="downloads"
    )
    actor_id = models.UUIDField()
    """The member or the service token."""
    address = models.CharField(max_length=50)
    began_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = (
            models.Index(
                fields=["organisation", "export", "actor_id", "began_at"], name="export_downloads"
            ),
        )

    def __str__(self) -> str:
        return f"{self.export_id} {self.began_at}"
