"""What is kept for one device beside its mailbox: what it is to be told, and how it is woken."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from keys.models import Device
from messaging.models.rooms import Room
from orgs.models import Membership
from semafore.kernel import clock
from semafore.kernel.models import SealedField
from semafore.kernel.tenancy import TenantModel


class NoticeKind(models.TextChoices):
    """A frame of the socket (docs/socket.md) that must not get lost."""

    MISSED = "mailbox.missed"
    EXPIRED = "mailbox.expired"
    REACHABLE = "device.reachable"
    ROOM_CLOSED = "room.closed"
    MEMBERSHIP_UPDATED = "membership.updated"
    MEMBERSHIP_ENDING = "membership.ending"


class Notice(TenantModel):
    """Something a device is told at least once.

    On the next look of its socket, and again on the next connect unless the first has held on for a
    while.
    """

    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=20, choices=NoticeKind)
    room = models.ForeignKey(
        Room, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    about = models.ForeignKey(
        Device, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    """The device that is reachable again."""
    count = models.PositiveIntegerField(default=0)
    moment = models.DateTimeField(null=True)
    """`before` of what expired, or the end that comes."""
    at = models.DateTimeField(default=clock.now)
    told_serial = models.PositiveBigIntegerField(null=True)
    """The connection on which it was told; None while it waits."""
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["device", "kind", "room", "about"],
                condition=Q(told_serial__isnull=True),
                nulls_distinct=False,
                name="notice_waits_once",
            ),
        )
        indexes = (
            models.Index(fields=["device", "id"], name="notice_by_device"),
            models.Index(
                fields=["organisation", "at"],
                condition=Q(about__isnull=False),
                name="notice_about_by_age",
            ),
        )

    def __str__(self) -> str:
        return f"{self.device_id} {self.kind}"


class Skip(TenantModel):
    """A sender had to leave a device out; it is told when the device can be reached again."""

    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    sender_device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    at = models.DateTimeField(default=clock.now)
    """When it was first left out."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["device", "sender_device"], name="skip_once"),
        )
        indexes = (models.Index(fields=["organisation", "at"], name="skip_by_age"),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.sender_device_id}"


class PushService(models.TextChoices):
    """Who wakes a device: Apple's or Google's service."""

    APNS = "apns", "Apple"
    FCM = "fcm", "Google"


class Environment(models.TextChoices):
    """Which of Apple's two."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


class PushToken(TenantModel):
    """How a device without a socket is woken."""

    device = models.OneToOneField(
        Device,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="push_token",
    )
    service = models.CharField(max_length=4, choices=PushService)
    environment = models.CharField(max_length=10, choices=Environment)
    token = SealedField()
    registered_at = models.DateTimeField(default=clock.now)
    woken_at = models.DateTimeField(null=True)
    """None again once the device has come: it is woken once, however much waits."""
    failures = models.PositiveSmallIntegerField(default=0)
    """In a row."""
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return str(self.device_id)


class ScreenshotReport(TenantModel):
    """A device reported that a screenshot was taken in a room."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    room = models.ForeignKey(
        Room, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    membership = models.ForeignKey(
        Membership, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    taken_at = models.DateTimeField()
    """By the device's clock."""
    reported_at = models.DateTimeField(default=clock.now, editable=False)
    platform = models.CharField(max_length=10)
    event_id = models.UUIDField()

    class Meta:
        indexes = (
            models.Index(
                fields=["organisation", "-reported_at", "-id"], name="screenshot_report_by_time"
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
