"""Mail that waits to be sent: rows, so that a lost queue loses none."""

from datetime import timedelta
from uuid import uuid4

from django.db import models
from django.db.models import Q

from orgs.models.sign_in import LinkPurpose
from semafore.kernel import clock

GIVE_UP_AFTER = timedelta(hours=24)
"""A mail that no server took for so long is not tried again."""


class Mail(models.Model):
    """One mail. It holds no link: the worker makes the token as it sends."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    to = models.EmailField()
    template = models.CharField(max_length=50)
    context = models.JSONField(default=dict)
    link = models.CharField(max_length=8, choices=LinkPurpose, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["created_at"], condition=Q(sent_at=None), name="mail_waiting"),
            models.Index(fields=["to", "template"], name="mail_by_address"),
        )

    def __str__(self) -> str:
        return str(self.id)
