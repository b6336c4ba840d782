"""Which keys have signed a log, as its own events say."""

from django.db import models

from semafore.kernel.tenancy import TenantModel


class AnnouncedKeyRow(models.Model):
    """A signing key that an event of a log has announced, and perhaps retired."""

    name = models.CharField(max_length=300)
    vkey = models.CharField(max_length=400)
    """`<name>+<key id>+<base64>`, as C2SP's signed-note writes a public key."""
    purpose = models.CharField(max_length=20)
    """`checkpoints` or `receipts`."""
    event_id = models.UUIDField()
    announced_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.vkey


class AnnouncedKey(AnnouncedKeyRow, TenantModel):
    """A key of an organisation's log."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "vkey"], name="announced_key_once"),
        )


class PlatformAnnouncedKey(AnnouncedKeyRow):
    """A key of the platform's own log."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["vkey"], name="platform_announced_key_once"),
        )
