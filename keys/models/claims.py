"""Who claimed whose bundle in the last day: drain protection and idempotent retries."""

from django.db import models
from django.db.models import Q

from keys.models.devices import Device
from semafore.kernel.tenancy import TenantModel


class Claim(TenantModel):
    """One claim of one bundle; kept for 24 hours."""

    id = models.UUIDField(primary_key=True, editable=False)
    claimant_account = models.ForeignKey(
        "orgs.Account",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    claimant_device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    target = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    idempotency_key = models.CharField(max_length=100, null=True)
    request_hash = models.BinaryField(null=True)
    """SHA-256 of the devices that the call asked for: the same key for others is an error."""
    key_id = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["claimant_device", "idempotency_key", "target"],
                condition=Q(idempotency_key__isnull=False),
                name="claim_idempotent",
            ),
        )
        indexes = (
            models.Index(fields=["target", "claimant_account", "at"], name="claim_by_claimant"),
            models.Index(fields=["organisation", "at"], name="claim_by_age"),
        )

    def __str__(self) -> str:
        return str(self.id)
