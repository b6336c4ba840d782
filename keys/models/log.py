"""Which views of the log were reported that are not the log's."""

from django.db import models
from django.db.models import Q

from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel


class SplitView(TenantModel):
    """A checkpoint that was recorded as a split view: each is recorded once, however often shown.

    Known by what was signed, not by the note: signatures of others could be added to that.
    """

    text_hash = models.BinaryField()
    """SHA-256 of origin, size and root as they were signed."""
    reported_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "text_hash"], name="split_view_once"),
            models.CheckConstraint(
                condition=Q(text_hash__length=32), name="split_view_hash_length"
            ),
        )

    def __str__(self) -> str:
        return str(self.reported_at)
