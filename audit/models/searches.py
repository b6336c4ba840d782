"""Searches of the audit log that somebody keeps."""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models

from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel

NAME_LENGTH = 80


class SavedSearch(TenantModel):
    """The filters of the explorer under a name, for one reader or for all of them."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=NAME_LENGTH)
    filters = models.JSONField()
    """As the explorer's address holds them: texts by name."""
    people = ArrayField(models.UUIDField())
    """The memberships that the filters name: these people don't see it."""
    shared = models.BooleanField(default=False)
    saved_at = models.DateTimeField(default=clock.now)
    saved_by = models.ForeignKey(
        "orgs.Membership", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )

    class Meta:
        indexes = (
            models.Index(fields=["organisation", "name", "id"], name="saved_search_by_name"),
        )

    def __str__(self) -> str:
        return str(self.id)
