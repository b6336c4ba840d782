"""What transited, by its hash alone."""

from django.db import models

from semafore.kernel.many_rows import ManyRows, same_organisation_per_statement


class Content(ManyRows):
    """SHA-256 of a ciphertext that transited, without its device: a file finds its message.

    Lives `existence_days`; with its siblings it proves the content root in the event's `what`.
    """

    event_id = models.UUIDField()
    sha256 = models.BinaryField()

    class Meta:
        indexes = (
            models.Index(fields=["organisation", "sha256"], name="content_by_hash"),
            models.Index(fields=["organisation", "event_id"], name="content_by_event"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(sha256__length=32), name="content_sha256_length"
            ),
        )
        triggers = same_organisation_per_statement(("event_id", "audit_event"))

    def __str__(self) -> str:
        return str(self.event_id)
