"""What proves a device to the server: tokens, and challenges that were used."""

from django.db import models

from keys.models.devices import Device
from semafore.kernel.tenancy import TenantModel


class DeviceToken(TenantModel):
    """An access token of a device; only its SHA-256 is kept."""

    token_hash = models.BinaryField(primary_key=True)
    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="tokens"
    )
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"token of {self.device_id}"


class SpentChallenge(models.Model):
    """A challenge that was answered, kept until it would have expired: each serves once.

    Belongs to no organisation: a challenge is answered before anybody knows whose device asks.
    """

    challenge_hash = models.BinaryField(primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return "spent challenge"
