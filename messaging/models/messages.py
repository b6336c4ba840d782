"""Messages that were accepted, envelopes that wait, and what became of those that don't."""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from keys.models import Device, Suite
from messaging.models.rooms import Room
from orgs.models import Membership
from semafore.kernel import clock
from semafore.kernel.many_rows import ManyRows, same_organisation_per_statement
from semafore.kernel.tenancy import TenantModel


class Broadcast(TenantModel):
    """One sending to every active member, in parts; its history, not its content."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    sender = models.ForeignKey(
        Membership, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    sender_device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    started_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    not_reached = models.PositiveIntegerField(null=True)
    """Devices that should have got it and didn't, as of its end."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "id"], name="broadcast_organisation_id"
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-started_at", "-id"], name="broadcast_by_time"),
        )

    def __str__(self) -> str:
        return str(self.id)


class Message(TenantModel):
    """That a message was accepted: who, when, where, how much. Its ciphertexts are envelopes."""

    id = models.UUIDField(primary_key=True, editable=False)
    message_id = models.UUIDField(editable=False)
    """The client's own, by which a retry is known."""
    room = models.ForeignKey(
        Room,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        db_index=False,
    )
    broadcast = models.ForeignKey(
        Broadcast,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="parts",
    )
    sender = models.ForeignKey(
        Membership,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        db_index=False,
    )
    sender_device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    accepted_at = models.DateTimeField()
    envelopes = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    """Bytes of ciphertext in all."""
    skipped = ArrayField(models.UUIDField(), default=list)
    """Devices that were left out, their signed pre-keys having expired."""
    event_id = models.UUIDField()
    receipt = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "id"], name="message_organisation_id"),
            models.UniqueConstraint(fields=["organisation", "message_id"], name="message_once"),
            models.CheckConstraint(
                condition=Q(room__isnull=False, broadcast__isnull=True)
                | Q(room__isnull=True, broadcast__isnull=False),
                name="message_in_a_room_or_a_broadcast",
            ),
        )
        indexes = (
            models.Index(fields=["room", "-accepted_at", "-id"], name="message_by_room"),
            models.Index(fields=["sender_device", "-accepted_at"], name="message_by_sender"),
            models.Index(fields=["organisation", "accepted_at"], name="message_by_age"),
            models.Index(fields=["organisation", "event_id"], name="message_by_event"),
        )

    def __str__(self) -> str:
        return str(self.id)


class EnvelopeType(models.TextChoices):
    """Whether the recipient begins a session with it."""

    PRE_KEY = "pre_key"
    MESSAGE = "message"


class Envelope(ManyRows):
    """Ciphertext that waits for one device; acknowledged or expired, the row is gone.

    `position` is the order of a device's mailbox; `envelope_id` is what the device knows it by.
    """

    position = models.BigAutoField(primary_key=True)
    envelope_id = models.UUIDField(unique=True, editable=False)
    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    message = models.ForeignKey(
        Message, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    suite = models.CharField(max_length=20, choices=Suite)
    type = models.CharField(max_length=10, choices=EnvelopeType)
    ciphertext = models.BinaryField()
    attempts = models.PositiveSmallIntegerField(default=0)
    """How often it was handed to the device; after five without an ack it goes last."""
    flight = models.PositiveBigIntegerField(null=True)
    """The serial of the connection on which it is under way (realtime.models.Connection)."""

    class Meta:
        indexes = (
            models.Index(fields=["device", "position"], name="envelope_by_device"),
            models.Index(fields=["message"], name="envelope_by_message"),
        )
        triggers = same_organisation_per_statement(
            ("device_id", "keys_device"), ("message_id", "messaging_message")
        )

    def __str__(self) -> str:
        return str(self.envelope_id)


class Outcome(models.TextChoices):
    """What became of an envelope."""

    DELIVERED = "delivered"
    EXPIRED = "expired"
    """Its time was over, or its device was revoked, before it was acknowledged."""


class Delivery(ManyRows):
    """That an envelope left its mailbox: when, and how."""

    message = models.ForeignKey(
        Message,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="deliveries",
        db_index=False,
    )
    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    outcome = models.CharField(max_length=9, choices=Outcome)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["message", "device"], name="delivery_once"),)
        triggers = same_organisation_per_statement(
            ("device_id", "keys_device"), ("message_id", "messaging_message")
        )

    def __str__(self) -> str:
        return f"{self.message_id} {self.outcome}"
