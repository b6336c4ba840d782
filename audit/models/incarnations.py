"""Which databases the log process has looked at (ADR 0019)."""

from django.db import models

from semafore.kernel import clock


class Incarnation(models.Model):
    """A database as PostgreSQL tells it from others; one that was restored is another.

    Its name is `<system identifier>/<timeline>/<oid>` (`audit.selectors.incarnations`). Belongs to
    no organisation.
    """

    class State(models.TextChoices):
        """What the log process found."""

        VOUCHED = "vouched"
        """It holds all that was signed."""
        RESTORED = "restored"
        """It lacks some, and waits for `manage.py after_restore`."""

    name = models.CharField(primary_key=True, max_length=60)
    state = models.CharField(max_length=8, choices=State)
    noted_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name
