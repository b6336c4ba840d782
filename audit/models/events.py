"""Events, what waits to be sequenced, and refusals being counted.

Each table stands twice: for organisations (scoped), and for the platform's own log of acts without
an organisation.
"""

import pgtrigger
from django.db import models
from django.db.models.functions import Length

from audit.commitments import ENTRY_LENGTH
from semafore.kernel.tenancy import TenantModel

models.BinaryField.register_lookup(Length)

APPEND_ONLY = """
    IF current_setting('semafore.retention', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF NEW.id <> OLD.id OR NEW.class <> OLD.class
        OR NEW.c_who <> OLD.c_who OR NEW.c_what <> OLD.c_what
        OR (NEW.who IS NOT NULL AND NEW.who IS DISTINCT FROM OLD.who)
        OR (NEW.what IS NOT NULL AND NEW.what IS DISTINCT FROM OLD.what)
        OR (NEW.who_opening IS NOT NULL AND NEW.who_opening IS DISTINCT FROM OLD.who_opening)
        OR (NEW.what_opening IS NOT NULL AND NEW.what_opening IS DISTINCT FROM OLD.what_opening)
        OR (NEW.who IS NULL) <> (NEW.who_opening IS NULL)
        OR (NEW.what IS NULL) <> (NEW.what_opening IS NULL)
        {same_organisation}
    THEN
        RAISE EXCEPTION 'retention may delete parts of % and change nothing', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
"""

TAKEN_BY_SEQUENCER = """
    IF TG_OP = 'DELETE' AND current_setting('semafore.sequencing', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
"""

NO_TRUNCATE = """
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
"""


def append_only(
    function: str, *, level: pgtrigger.Level = pgtrigger.Row
) -> tuple[pgtrigger.Trigger, ...]:
    """Triggers that let rows be added and, on one named path, be taken.

    For each statement where a look at its rows isn't needed: each row's is a sixth of sequencing.
    """
    return (
        pgtrigger.Trigger(
            name="append_only",
            level=level,
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=function,
        ),
        pgtrigger.Trigger(
            name="no_truncate",
            when=pgtrigger.Before,
            level=pgtrigger.Statement,
            operation=pgtrigger.Truncate,
            func=NO_TRUNCATE,
        ),
    )


class EventRow(models.Model):
    """An event's two parts and openings, deletable each, and its commitments, which stay."""

    id = models.UUIDField(primary_key=True, editable=False)
    event_class = models.PositiveSmallIntegerField(db_column="class")
    who = models.BinaryField(null=True)
    who_opening = models.BinaryField(null=True)
    c_who = models.BinaryField()
    what = models.BinaryField(null=True)
    what_opening = models.BinaryField(null=True)
    c_what = models.BinaryField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.id)


class Event(EventRow, TenantModel):
    """An event of an organisation. Written by `audit.services.recording` alone."""

    class Meta:
        triggers = append_only(
            APPEND_ONLY.format(same_organisation="OR NEW.organisation_id <> OLD.organisation_id")
        )


class PlatformEvent(EventRow):
    """An event of the platform's own log."""

    class Meta:
        triggers = append_only(APPEND_ONLY.format(same_organisation=""))


class PendingRow(models.Model):
    """An entry that waits for the sequencer. Ids commit out of order: rows are the truth."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField()
    entry = models.BinaryField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.id)


class Pending(PendingRow, TenantModel):
    """The outbox of an organisation's log."""

    class Meta:
        triggers = append_only(TAKEN_BY_SEQUENCER, level=pgtrigger.Statement)
        indexes = (models.Index(fields=["organisation", "id"], name="pending_by_organisation"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(entry__length=ENTRY_LENGTH), name="pending_entry_length"
            ),
        )


class PlatformPending(PendingRow):
    """The outbox of the platform's own log."""

    class Meta:
        triggers = append_only(TAKEN_BY_SEQUENCER, level=pgtrigger.Statement)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(entry__length=ENTRY_LENGTH), name="platform_pending_entry_length"
            ),
        )


class DenialRow(models.Model):
    """Refusals of one actor, type, data and target, counted until their minute is over."""

    type = models.CharField(max_length=100)
    key = models.BinaryField()
    """SHA-256 of actor, type, data and target: what is the same attempt."""
    minute = models.DateTimeField()
    who = models.JSONField()
    data = models.JSONField()
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.type} {self.minute}"


class Denial(DenialRow, TenantModel):
    """Refusals in an organisation."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "minute", "key"], name="denial_coalesced"
            ),
        )


class PlatformDenial(DenialRow):
    """Refusals outside any organisation."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["minute", "key"], name="platform_denial_coalesced"),
        )
