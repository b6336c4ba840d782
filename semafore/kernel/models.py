"""What the kernel itself keeps."""

from django.db import models

from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel


class SealedField(models.BinaryField):  # type: ignore[type-arg]  # generic in the stubs alone
    """What `kernel.sealing` sealed; by its kind `manage.py reseal` finds it."""


class IdempotentAnswer(TenantModel):
    """The answer to a POST with an `Idempotency-Key`, for a retry within 24 hours."""

    caller_id = models.UUIDField()
    key = models.CharField(max_length=100)
    request_hash = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True)
    """Null only within the transaction that makes the answer."""
    body = models.JSONField(null=True)
    at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "caller_id", "key"], name="idempotent_answer_once"
            ),
        )

    def __str__(self) -> str:
        return f"answer {self.pk}"


class TaskRun(models.Model):
    """When a scheduled task last ran; of no organisation, whatever the task went through."""

    name = models.CharField(max_length=100, primary_key=True)
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    """When it last failed, in one organisation or in all."""
    milliseconds = models.PositiveBigIntegerField()
    """How long the last run took."""

    def __str__(self) -> str:
        return self.name
