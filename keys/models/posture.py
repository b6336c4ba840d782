"""What a device says of itself: how it is kept, and what it does of what its organisation wants."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from keys.models.devices import Device
from semafore.kernel.tenancy import TenantModel


class Deviation(models.TextChoices):
    """In what a device differs from what its organisation wants, or can't keep it at all."""

    APP_VERSION = "app_version", "The app is too old"
    BACKUP = "backup", "Allows backups"
    SCREENSHOTS = "screenshots", "Allows screenshots"
    CLIPBOARD = "clipboard", "Allows copying to the clipboard"
    LOCK = "lock", "Locks too late or never"
    WIPE = "wipe", "Would not wipe on revocation"
    PASSCODE = "passcode", "No passcode is set"
    ENCRYPTION = "encryption", "Its storage is not encrypted"


class Posture(TenantModel):
    """The last report of a device; gone with its keys.

    All of it is the device's own word: it shows who needs help, not who lies.
    """

    device = models.OneToOneField(
        Device,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="posture",
    )
    app_version = ArrayField(models.PositiveSmallIntegerField(), size=3)
    """Three numbers, which compare as arrays do."""
    os_version = models.CharField(max_length=30)
    passcode_set = models.BooleanField(null=True)
    """None: the device can't tell."""
    encrypted = models.BooleanField(null=True)
    """None: the device can't tell."""
    managed = models.BooleanField()
    """An MDM looks after the device or the app."""
    config_version = models.PositiveIntegerField()
    """Of the settings that it applied last; 0 for none."""
    backup_allowed = models.BooleanField()
    screenshots_allowed = models.BooleanField()
    clipboard_allowed = models.BooleanField()
    lock_after_minutes = models.PositiveSmallIntegerField()
    """0: it doesn't lock."""
    wipe_on_revocation = models.BooleanField()
    reported_on = models.DateField()
    """A day, as `last_seen_on`: nobody is watched through it."""
    recorded = ArrayField(
        models.CharField(max_length=11, choices=Deviation), default=list, editable=False
    )
    """The deviations of which the log knows."""

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(app_version__len=3), name="posture_app_version_three_numbers"
            ),
            models.CheckConstraint(
                condition=Q(recorded__contained_by=Deviation.values), name="posture_recorded"
            ),
        )

    def __str__(self) -> str:
        return str(self.device_id)
