"""Where events are sent: security operations' own systems, each with its own place in the log."""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from audit.registry import EventClass, Severity
from audit.siem.formats import Format
from semafore.kernel import clock
from semafore.kernel.models import SealedField
from semafore.kernel.tenancy import TenantModel

NAME_LENGTH = 100
ADDRESS_LENGTH = 500
HEADER_LENGTH = 100
REASON_LENGTH = 200


class DestinationState(models.TextChoices):
    """What a destination does. One that can't be reached is active all the same: it tries again."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By an owner."""
    MISCONFIGURED = "misconfigured"
    """The receiver refuses whatever is sent: an owner has to change something."""
    PARKED = "parked"
    """The receiver refuses the event at the cursor for what stands in it: an owner decides."""


class SiemDestination(TenantModel):
    """A receiver of the log's events, and how far it has them (siem.md, Delivery)."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=NAME_LENGTH)
    format = models.CharField(max_length=20, choices=[(one.value, one.value) for one in Format])
    address = models.CharField(max_length=ADDRESS_LENGTH)
    """`https://host/path`, or `host:port` for what goes over TLS alone."""
    header = models.CharField(max_length=HEADER_LENGTH, blank=True)
    """Of OCSF over HTTPS: the header whose value is the secret."""
    sealed_secret = SealedField(null=True)
    """A HEC token, or the value of the header."""
    ca = models.TextField(blank=True)
    """Certificates in PEM that alone are trusted; empty, the public authorities are."""
    classes = ArrayField(models.PositiveSmallIntegerField())
    """The event classes that it takes (audit-log.md)."""
    least_severity = models.PositiveSmallIntegerField(default=Severity.INFORMATIONAL.value)
    set_up_by = models.ForeignKey(
        "orgs.Membership",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    """Who said last where events go: what examines this person doesn't go there."""
    created_at = models.DateTimeField(default=clock.now)
    generation = models.PositiveIntegerField(default=1)
    """One more with each change by a person: a sender that began before it moves nothing."""

    state = models.CharField(
        max_length=13, choices=DestinationState, default=DestinationState.ACTIVE
    )
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    """Why it fails or stands, in our words: nothing that the receiver said."""
    cursor = models.PositiveBigIntegerField()
    """The place of the first event that it hasn't got."""
    lease = models.UUIDField(null=True)
    """The sender that works on it, until `leased_until`: one at a time."""
    leased_until = models.DateTimeField(null=True)

    failures = models.PositiveIntegerField(default=0)
    """Attempts in a row that failed."""
    failing_since = models.DateTimeField(null=True)
    """Of any trouble: it ends with the next batch that is taken."""
    next_attempt_at = models.DateTimeField(default=clock.now)
    told_at = models.DateTimeField(null=True)
    """When the owners were told of this trouble, and a day later again."""
    told_again_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)
    """When they were told of any: who fails by turns isn't told of each."""
    warned_at = models.DateTimeField(null=True)
    """That retention is about to reach events which it hasn't got."""

    last_success_at = models.DateTimeField(null=True)
    canary_at = models.DateTimeField(null=True)
    """When it took the last canary."""
    canary_due_from = models.DateTimeField(null=True)
    """When the last canary was recorded while it was there."""
    sent_events = models.PositiveBigIntegerField(default=0)
    failed_attempts = models.PositiveBigIntegerField(default=0)
    pace = models.FloatField(null=True)
    """Places of the log a second, as lately measured."""
    swept_count = models.PositiveBigIntegerField(default=0)
    """Events that retention deleted before they were sent, and that no event has told of yet."""
    swept_first = models.PositiveBigIntegerField(null=True)
    swept_last = models.PositiveBigIntegerField(null=True)
    answers = models.JSONField(default=list)
    """The last ones, the newest first: `at`, `words`, `said` (by the receiver, cut), `events`."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "name"], name="siem_destination_name_once"
            ),
            models.CheckConstraint(
                condition=Q(classes__len__gte=1)
                & Q(classes__contained_by=[one.value for one in EventClass]),
                name="siem_destination_classes",
            ),
            models.CheckConstraint(
                condition=Q(swept_count=0)
                | Q(swept_first__isnull=False, swept_last__gte=F("swept_first")),
                name="siem_destination_swept",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
