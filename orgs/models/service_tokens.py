"""What lets a program in: tokens of the audit API."""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from orgs.models.people import Membership
from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel


class Scope(models.TextChoices):
    """What a program may do (api.md, Audit API)."""

    AUDIT_READ = "audit.read", "Read events, their proofs and reports"
    AUDIT_EXPORT = "audit.export", "Make exports and fetch them"
    LOG_READ = "log.read", "Read the log's checkpoints and tiles"


class ServiceToken(TenantModel):
    """A token of a program; only its SHA-256 and its first characters are kept."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    token_hash = models.BinaryField(unique=True)
    prefix = models.CharField(max_length=8)
    """So that somebody who finds a token can tell which it is."""
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    expires_at = models.DateTimeField()
    last_used_on = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values, scopes__len__gte=1),
                name="service_token_scopes",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="service_token_age"),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def status(self) -> str:
        """*active*, *expired* or *revoked*."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at > clock.now() else "expired"
