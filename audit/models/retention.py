"""How long an organisation keeps what it knows, what it holds on to, and a sweep under way."""

from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel

REASON_LENGTH = 500
LABEL_LENGTH = 200
CASE_REFERENCE_LENGTH = 100

LEAST_METADATA_DAYS = 1
LEAST_AUDIT_DAYS = 30
MOST_DAYS = 36_500
"""A hundred years."""


class RetentionPeriods(TenantModel):
    """An organisation's three periods, in days (audit-log.md, class table)."""

    organisation = models.OneToOneField(
        "orgs.Organisation", primary_key=True, on_delete=models.DO_NOTHING, related_name="+"
    )
    metadata_days = models.PositiveIntegerField(default=365)
    audit_days = models.PositiveIntegerField(default=2555)
    existence_days = models.PositiveIntegerField(default=2555)
    version = models.PositiveIntegerField(default=1)
    """One more with each change: a record of deletions says which setting it went by."""
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(metadata_days__gte=LEAST_METADATA_DAYS)
                & Q(audit_days__gte=LEAST_AUDIT_DAYS),
                name="retention_least_days",
            ),
            models.CheckConstraint(
                condition=Q(existence_days__lte=MOST_DAYS) & Q(audit_days__lte=MOST_DAYS),
                name="retention_most_days",
            ),
            models.CheckConstraint(
                condition=Q(existence_days__gte=F("metadata_days")),
                name="retention_existence_covers_metadata",
            ),
        )

    def __str__(self) -> str:
        return f"{self.metadata_days}, {self.audit_days}, {self.existence_days}"


class Hold(TenantModel):
    """A legal hold: nothing that it covers is deleted until two people have lifted it.

    Every condition that is given must match. In force while `lifted_at` is null.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    person = models.ForeignKey(
        "orgs.Membership",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    room_id = models.UUIDField(null=True)
    room_label = models.CharField(max_length=LABEL_LENGTH, blank=True)
    """As it read when the hold was placed; a person is named by the membership."""
    from_at = models.DateTimeField(null=True)
    until_at = models.DateTimeField(null=True)
    """The period that it covers, both ends included."""
    reason = models.CharField(max_length=REASON_LENGTH)
    case_reference = models.CharField(max_length=CASE_REFERENCE_LENGTH, blank=True)
    placed_at = models.DateTimeField(default=clock.now)
    placed_by = models.ForeignKey(
        "orgs.Membership",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "id"], name="hold_org_id"),
            models.CheckConstraint(
                condition=Q(person__isnull=False)
                | Q(room_id__isnull=False)
                | Q(from_at__isnull=False)
                | Q(until_at__isnull=False),
                name="hold_covers_something",
            ),
            models.CheckConstraint(
                condition=Q(until_at__isnull=True)
                | Q(from_at__isnull=True)
                | Q(until_at__gte=F("from_at")),
                name="hold_period",
            ),
        )
        indexes = (
            models.Index(
                fields=["organisation"], condition=Q(lifted_at__isnull=True), name="hold_in_force"
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class RequestKind(models.TextChoices):
    """What one person may only ask for."""

    SHORTEN = "shorten"
    LIFT = "lift"


class RequestStatus(models.TextChoices):
    """A pending one lapses at its `expires_at`, whatever its row says."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class RetentionRequest(TenantModel):
    """Shorter periods, or the end of a hold, that a second person has to approve."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=7, choices=RequestKind)
    status = models.CharField(max_length=9, choices=RequestStatus, default=RequestStatus.PENDING)
    reason = models.CharField(max_length=REASON_LENGTH)
    hold = models.ForeignKey(
        Hold, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="requests"
    )
    metadata_days = models.PositiveIntegerField(null=True)
    audit_days = models.PositiveIntegerField(null=True)
    existence_days = models.PositiveIntegerField(null=True)
    """The periods asked for."""
    requested_at = models.DateTimeField(default=clock.now)
    requested_by = models.ForeignKey(
        "orgs.Membership", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        "orgs.Membership",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    denial_reason = models.CharField(max_length=REASON_LENGTH, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "kind", "hold"],
                condition=Q(status="pending"),
                nulls_distinct=False,
                name="retention_request_one_pending",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="shorten",
                    hold__isnull=True,
                    metadata_days__isnull=False,
                    audit_days__isnull=False,
                    existence_days__isnull=False,
                )
                | Q(
                    kind="lift",
                    hold__isnull=False,
                    metadata_days__isnull=True,
                    audit_days__isnull=True,
                    existence_days__isnull=True,
                ),
                name="retention_request_asks_for_one_thing",
            ),
            models.CheckConstraint(
                condition=~Q(status="approved")
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by")),
                name="retention_request_by_two_people",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "requested_at"], name="retention_request_by_time"),
        )

    def __str__(self) -> str:
        return str(self.id)


class Sweep(TenantModel):
    """A sweep under way, kept by its own batches: a killed one goes on, its record complete."""

    organisation = models.OneToOneField(
        "orgs.Organisation", primary_key=True, on_delete=models.DO_NOTHING, related_name="+"
    )
    version = models.PositiveIntegerField()
    metadata_before = models.DateTimeField()
    audit_before = models.DateTimeField()
    existence_before = models.DateTimeField()
    step = models.PositiveSmallIntegerField(default=0)
    """Which of `audit.services.retention.sweeps.STEPS`; after the last, other apps' rows."""
    after_at = models.DateTimeField(null=True)
    after_seq = models.BigIntegerField(default=-1)
    """Where the step stands: the last event that was looked at, deleted or held."""
    swept = models.JSONField(default=dict)
    """By `<class>.<part>`: first and last seq, count, and the digest in hex."""
    rows = models.JSONField(default=dict)
    """How many, by what they are."""

    def __str__(self) -> str:
        return str(self.organisation_id)
