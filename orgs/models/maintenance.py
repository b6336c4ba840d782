"""Windows of maintenance: what the operator planned and did, and which organisation was told."""

from datetime import datetime
from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from orgs.models.people import Account, Membership
from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel

SUMMARY_LENGTH = 500


class MaintenanceKind(models.TextChoices):
    """What is affected."""

    UNINTERRUPTED = "uninterrupted", "No interruption expected"
    CLOSED = "closed", "Everything closed"


class MaintenanceStatus(models.TextChoices):
    """planned -> running -> ended; a planned one may be held back, and is cancelled or begins."""

    PLANNED = "planned"
    HELD = "held"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"


class MaintenanceWindow(models.Model):
    """One window, of the whole platform. The clock counts: a sweep only notes what it has done."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=13, choices=MaintenanceKind)
    summary = models.CharField(max_length=SUMMARY_LENGTH)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    emergency_reason = models.CharField(max_length=SUMMARY_LENGTH, blank=True)
    """Why organisations were told later than they were promised; empty where they weren't."""
    announced_at = models.DateTimeField(default=clock.now, editable=False)
    held = models.BooleanField(default=False)
    """It doesn't begin by the clock, but when the operator says so."""
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="maintenance_ends_after_its_start",
                violation_error_message="It has to end after it starts.",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at=None) | Q(began_at=None, ended_at=None),
                name="maintenance_cancelled_before_it_began",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(began_at__isnull=False),
                name="maintenance_ended_after_it_began",
            ),
        )
        indexes = (
            models.Index(
                fields=["ends_at"],
                condition=Q(ended_at=None, cancelled_at=None),
                name="maintenance_open",
            ),
            models.Index(fields=["-starts_at", "-id"], name="maintenance_age"),
        )

    def __str__(self) -> str:
        return self.summary

    @property
    def status(self) -> MaintenanceStatus:
        """As of now, whether or not the sweep has been there."""
        now = clock.now()
        if self.cancelled_at is not None:
            return MaintenanceStatus.CANCELLED
        over = self.ends_at <= now
        if self.began_at is None and self.held:
            return MaintenanceStatus.CANCELLED if over else MaintenanceStatus.HELD
        if self.ended_at is not None or over:
            return MaintenanceStatus.ENDED
        begun = self.began_at is not None or self.starts_at <= now
        return MaintenanceStatus.RUNNING if begun else MaintenanceStatus.PLANNED

    @property
    def over_at(self) -> datetime:
        """When it ended, or is to end."""
        return self.ended_at or self.ends_at


class MaintenanceOccasion(models.TextChoices):
    """What there is to tell of a window."""

    ANNOUNCED = "announced"
    CHANGED = "changed"
    REMINDED = "reminded"
    HELD = "held"
    BEGAN = "began"
    ENDED = "ended"
    CANCELLED = "cancelled"


class MaintenanceStep(models.Model):
    """Something that happened to a window, as it was then: each organisation is told of each."""

    window = models.ForeignKey(MaintenanceWindow, on_delete=models.DO_NOTHING, related_name="steps")
    occasion = models.CharField(max_length=9, choices=MaintenanceOccasion)
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    """The operator; None where the clock did it."""
    kind = models.CharField(max_length=13, choices=MaintenanceKind)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    summary = models.CharField(max_length=SUMMARY_LENGTH)
    reason = models.CharField(max_length=SUMMARY_LENGTH, blank=True)
    told = models.PositiveIntegerField(default=0)
    """How many organisations have been told."""
    told_at = models.DateTimeField(null=True)
    """When the last of them was."""

    def __str__(self) -> str:
        return f"{self.window_id} {self.occasion}"


class MaintenanceNotice(TenantModel):
    """An organisation was told of a step: its log has the event, and its mails are on their way."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    step = models.ForeignKey(
        MaintenanceStep, on_delete=models.DO_NOTHING, related_name="+", db_index=False
    )
    told_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "step"], name="maintenance_told_once"),
            models.UniqueConstraint(
                fields=["organisation", "id"], name="maintenance_notice_org_id"
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class MaintenanceMail(TenantModel):
    """A mail of a notice to one person."""

    notice = models.ForeignKey(
        MaintenanceNotice,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="mails",
    )
    membership = models.ForeignKey(
        Membership, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    mail_id = models.UUIDField()
    """Of `orgs.Mail`, whose row goes after two days."""
    sent_at = models.DateTimeField(null=True)
    """When the mail server took it."""

    class Meta:
        indexes = (
            models.Index(
                fields=["organisation"], condition=Q(sent_at=None), name="maintenance_mail_waiting"
            ),
        )

    def __str__(self) -> str:
        return str(self.mail_id)
