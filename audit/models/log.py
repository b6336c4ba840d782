"""The Merkle log: entries in their order, tiles of hashes, how far it goes, what was signed.

Each table stands twice, as events do: for organisations, and for the platform's own log. What is
here holds hashes and numbers alone.
"""

import pgtrigger
from django.db import models
from django.db.models import Q

from audit.commitments import ENTRY_LENGTH
from audit.models.events import NO_TRUNCATE
from semafore.kernel.many_rows import OF_AN_ORGANISATION, ManyRows
from semafore.kernel.tenancy import TenantModel

HASH_LENGTH = 32
TILE_LENGTH = 256 * HASH_LENGTH

REFUSED = """
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
"""

GROWS = """
    IF TG_OP = 'UPDATE' AND {stays} THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
"""

SAME_ORGANISATION = "NEW.organisation_id = OLD.organisation_id AND "

TILE_STAYS = (
    "NEW.level = OLD.level AND NEW.index = OLD.index"
    " AND substr(NEW.hashes, 1, length(OLD.hashes)) = OLD.hashes"
)

HEAD_STAYS = "NEW.size >= OLD.size AND NEW.origin_number >= OLD.origin_number"


def only_added(function: str = REFUSED) -> tuple[pgtrigger.Trigger, ...]:
    """Triggers that let rows be added, and changed or deleted as the function says."""
    return (
        pgtrigger.Trigger(
            name="only_added",
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


class EntryRow(models.Model):
    """One entry in its place, for ever; its event may be gone."""

    seq = models.PositiveBigIntegerField()
    """From 0, without a gap: the index of RFC 6962."""
    event_id = models.UUIDField()
    entry = models.BinaryField()
    leaf = models.BinaryField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.seq)


class Entry(EntryRow, ManyRows):
    """An entry of an organisation's log."""

    pk = models.CompositePrimaryKey("organisation_id", "seq")

    class Meta:
        triggers = (*only_added(), OF_AN_ORGANISATION)
        constraints = (
            models.UniqueConstraint(fields=["organisation", "event_id"], name="entry_once"),
            models.CheckConstraint(
                condition=Q(entry__length=ENTRY_LENGTH, leaf__length=HASH_LENGTH),
                name="entry_length",
            ),
        )


class PlatformEntry(EntryRow):
    """An entry of the platform's own log."""

    seq = models.PositiveBigIntegerField(primary_key=True)

    class Meta:
        triggers = only_added()
        constraints = (
            models.UniqueConstraint(fields=["event_id"], name="platform_entry_once"),
            models.CheckConstraint(
                condition=Q(entry__length=ENTRY_LENGTH, leaf__length=HASH_LENGTH),
                name="platform_entry_length",
            ),
        )


class TileRow(models.Model):
    """Up to 256 hashes (C2SP tlog-tiles): of leaves at level 0, of full tiles below above that."""

    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class Tile(TileRow, TenantModel):
    """A tile of an organisation's log."""

    pk = models.CompositePrimaryKey("organisation_id", "level", "index")

    class Meta:
        triggers = only_added(GROWS.format(stays=SAME_ORGANISATION + TILE_STAYS))
        constraints = (
            models.CheckConstraint(
                condition=Q(hashes__length__lte=TILE_LENGTH), name="tile_length"
            ),
        )


class PlatformTile(TileRow):
    """A tile of the platform's own log."""

    pk = models.CompositePrimaryKey("level", "index")

    class Meta:
        triggers = only_added(GROWS.format(stays=TILE_STAYS))
        constraints = (
            models.CheckConstraint(
                condition=Q(hashes__length__lte=TILE_LENGTH), name="platform_tile_length"
            ),
        )


class HeadRow(models.Model):
    """How far a log goes. Its lock makes a sequencer the only one."""

    size = models.PositiveBigIntegerField(default=0)
    root = models.BinaryField()
    origin_number = models.PositiveIntegerField(default=1)
    """1, and one more after each fork that was recovered from (ADR 0013)."""
    halted_at = models.DateTimeField(null=True)
    """Since when the signer refuses to go on; None while all is well."""
    halted_reason = models.CharField(max_length=40, blank=True)
    """The refusal's code (`audit.services.signer`)."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.size)


class Head(HeadRow, TenantModel):
    """The head of an organisation's log; made by the sequencer with its first entry."""

    organisation = models.OneToOneField(
        "orgs.Organisation", primary_key=True, on_delete=models.DO_NOTHING, related_name="+"
    )

    class Meta:
        triggers = only_added(GROWS.format(stays=SAME_ORGANISATION + HEAD_STAYS))


class PlatformHead(HeadRow):
    """The head of the platform's own log: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)

    class Meta:
        triggers = only_added(GROWS.format(stays=HEAD_STAYS))
        constraints = (models.CheckConstraint(condition=Q(id=1), name="platform_head_once"),)


class CheckpointRow(models.Model):
    """A head that was signed (C2SP tlog-checkpoint). Old sizes stay: old proofs lean on them."""

    size = models.PositiveBigIntegerField()
    origin = models.CharField(max_length=300)
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.origin} {self.size}"


class Checkpoint(CheckpointRow, TenantModel):
    """A checkpoint of an organisation's log."""

    pk = models.CompositePrimaryKey("organisation_id", "size")

    class Meta:
        triggers = only_added()


class PlatformCheckpoint(CheckpointRow):
    """A checkpoint of the platform's own log."""

    size = models.PositiveBigIntegerField(primary_key=True)

    class Meta:
        triggers = only_added()
