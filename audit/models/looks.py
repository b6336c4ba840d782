"""Looks that showed nothing but looks: recorded once an hour, or they would beget each other."""

from django.db import models

from semafore.kernel.tenancy import TenantModel


class QuietLook(TenantModel):
    """The last hour in which such a look of somebody by a filter was recorded."""

    key = models.BinaryField()
    """SHA-256 of who looked and by what filter."""
    hour = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "key"], name="quiet_look_once"),
        )

    def __str__(self) -> str:
        return str(self.hour)
