"""What was found after a restore, and how far what follows from it has come."""

from django.db import models

from semafore.kernel import clock


class Restoration(models.Model):
    """One restored database; a run of `after_restore` that was killed goes on from here.

    Belongs to no organisation. What was lost is written down before a log goes on under another
    origin, which ends what the signer's file knows of it.
    """

    database = models.CharField(primary_key=True, max_length=60)
    """`audit.models.Incarnation.name`."""
    reason = models.CharField(max_length=500)
    began_at = models.DateTimeField(default=clock.now)
    since = models.DateTimeField(null=True)
    """The newest entry that any log still has; None where there is none."""
    until = models.DateTimeField(null=True)
    """When the last of the lost checkpoints was signed; None where none was lost."""
    lost = models.JSONField(default=dict)
    """Of each log that lost entries, by its log id: `[from, to]`, as `log.origin_started` has them;
    an organisation that was founded and lost has `[0, to]`."""
    settled = models.JSONField(default=list)
    """The log ids of the organisations in which keys and tokens are void."""
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.database
