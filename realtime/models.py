"""Which socket of a device is the one."""

from django.db import models

from keys.models import Device
from semafore.kernel.tenancy import TenantModel


class Connection(TenantModel):
    """A device's latest connect. Its serial grows with each: a socket of a lower one is replaced.

    Being connected is transport state, not an act: nothing of it enters the audit log.
    """

    device = models.OneToOneField(
        Device,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="connection",
    )
    serial = models.PositiveBigIntegerField()
    connected_at = models.DateTimeField()
    last_seen = models.DateTimeField()
    """When its socket was last known to be open, to `services.SEEN_EVERY`."""
    closed_at = models.DateTimeField(null=True)
    """When that socket closed; None while it is open, or if its process died with it."""

    def __str__(self) -> str:
        return f"{self.device_id} {self.serial}"
