"""Devices: one installation's registration in one organisation."""

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel
from semafore.kernel.versions import version_field, versioned


class DeviceStatus(models.TextChoices):
    """pending -> approved -> revoked, or pending -> denied."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    REVOKED = "revoked"


class Platform(models.TextChoices):
    """What a device runs on."""

    IOS = "ios", "iOS"
    ANDROID = "android"
    DESKTOP = "desktop"


class Comparison(models.TextChoices):
    """How the approver compared the fingerprint with the person."""

    IN_PERSON = "in_person", "In person"
    CALL = "call", "On a call"
    NOT_COMPARED = "not_compared", "Not compared"


class RevocationReason(models.TextChoices):
    """Why a device was revoked. Custody keeps the device's content: an investigation needs it."""

    LOST = "lost"
    REPLACED = "replaced"
    COMPROMISED = "compromised"
    CUSTODY = "custody"
    DEPARTURE = "departure"
    OWNER = "owner"


OVER = Q(status__in=(DeviceStatus.DENIED, DeviceStatus.REVOKED))
ENDED_AT = Coalesce("revoked_at", "decided_at")
"""When a device that is over ended."""


class Device(TenantModel):
    """A device; its identity key is set once, unique, and immutable in the database too."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    membership = models.ForeignKey(
        "orgs.Membership",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="devices",
    )
    onboarding_id = models.UUIDField(unique=True, editable=False)
    name = models.CharField(max_length=100)
    platform = models.CharField(max_length=10, choices=Platform)
    registration_id = models.PositiveIntegerField()
    identity_key = models.BinaryField(unique=True)
    status = models.CharField(max_length=10, choices=DeviceStatus, default=DeviceStatus.PENDING)
    enrolled_at = models.DateTimeField(default=clock.now, editable=False)

    endorser = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    endorsement_signature = models.BinaryField(null=True)

    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        "orgs.Membership",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    compared = models.CharField(max_length=12, choices=Comparison, blank=True)
    denial_reason = models.CharField(max_length=500, blank=True)
    approval_event_id = models.UUIDField(null=True)
    approval_leaf = models.BinaryField(null=True)

    revoked_at = models.DateTimeField(null=True)
    revocation_reason = models.CharField(max_length=12, choices=RevocationReason, blank=True)
    wipe = models.BooleanField(default=False)

    last_seen_on = models.DateField(null=True)
    version = version_field()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "id"], name="device_organisation_id"),
            models.CheckConstraint(
                condition=Q(identity_key__length=32), name="device_identity_key_length"
            ),
            models.CheckConstraint(
                condition=Q(registration_id__range=(1, 16380)), name="device_registration_id"
            ),
            models.CheckConstraint(
                condition=Q(endorser__isnull=True, endorsement_signature__isnull=True)
                | Q(endorser__isnull=False, endorsement_signature__length=64),
                name="device_endorsement_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(approval_leaf__isnull=False),
                name="device_approval_is_logged",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "status"], name="device_by_status"),
            models.Index(fields=["organisation", "version"], name="device_by_version"),
            models.Index("organisation", ENDED_AT, condition=OVER, name="device_by_end"),
            models.Index(
                "organisation", ENDED_AT, condition=OVER & ~Q(name=""), name="device_to_forget"
            ),
            models.Index(
                fields=["organisation", "decided_at"],
                condition=~Q(denial_reason=""),
                name="device_reasoned",
            ),
        )
        triggers = (
            *versioned("status", forgettable="name"),
            pgtrigger.Trigger(
                name="identity_key_immutable",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("identity_key"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Q(old__identity_key__df=pgtrigger.F("new__identity_key")),
                func="RAISE EXCEPTION 'an identity key never changes'"
                " USING ERRCODE = 'insufficient_privilege';",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
