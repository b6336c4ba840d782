"""Key bundles and their pre-keys, with the SQL that takes a one-time pre-key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q

from keys.models.devices import Device
from semafore.kernel.database import prepared_cursor
from semafore.kernel.ids import uuid7
from semafore.kernel.many_rows import ManyRows, same_organisation_per_statement
from semafore.kernel.tenancy import TenantModel, current_organisation_id


class Suite(models.TextChoices):
    """Which protocol bundles and envelopes are for; another can come later."""

    X3DH_25519 = "x3dh-25519"


class KeyBundle(TenantModel):
    """A device's bundle: the row that every change of its keys and every claim locks first."""

    device = models.OneToOneField(
        Device,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="key_bundle",
    )
    available = models.PositiveIntegerField(default=0)
    """One-time pre-keys that nobody claimed; kept here so that a claim need not count."""
    highest_key_id = models.PositiveIntegerField(default=0)
    """The highest one-time pre-key id ever seen: ids only grow."""
    issued_key_id = models.PositiveIntegerField(default=0)
    """The last one-time pre-key issued. They go in order of their ids, so what is above is left:
    a claim finds its key without an index of what is available, and without passing tombstones."""
    claims_on = models.DateField(null=True)
    claims = models.PositiveIntegerField(default=0)
    """Claims on the day `claims_on`, for the alarm."""

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(available__gte=0), name="key_bundle_available"),
        )

    def __str__(self) -> str:
        return str(self.device_id)


class SignedPreKey(TenantModel):
    """A signed pre-key the device ever had. Past its grace the key goes and its hash stays.

    The hash refuses a key that comes back; a public key can't be had from it but by guessing it.
    """

    pk = models.CompositePrimaryKey("device_id", "key_id")
    device = models.ForeignKey(
        Device,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="signed_pre_keys",
        db_index=False,
    )
    key_id = models.PositiveIntegerField()
    public_key = models.BinaryField(null=True)
    signature = models.BinaryField(null=True)
    key_hash = models.BinaryField()
    uploaded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["device", "key_hash"], name="signed_pre_key_once"),
            models.UniqueConstraint(
                fields=["device"], condition=Q(superseded_at=None), name="signed_pre_key_current"
            ),
            models.CheckConstraint(
                condition=Q(public_key__length=32, signature__length=64)
                | Q(public_key=None, signature=None, superseded_at__isnull=False),
                name="signed_pre_key_whole_or_gone",
            ),
        )
        indexes = (
            models.Index(
                fields=["organisation", "superseded_at"],
                condition=Q(public_key__isnull=False, superseded_at__isnull=False),
                name="signed_pre_key_lapsing",
            ),
            models.Index(
                fields=["organisation", "uploaded_at"],
                condition=Q(superseded_at=None),
                name="signed_pre_key_ageing",
            ),
        )

    def __str__(self) -> str:
        return f"{self.device_id} {self.key_id}"


class OneTimePreKey(ManyRows):
    """A one-time pre-key; once claimed it stays as a tombstone, so that it never comes back."""

    pk = models.CompositePrimaryKey("device_id", "key_id")
    device = models.ForeignKey(
        Device,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="one_time_pre_keys",
        db_index=False,
    )
    key_id = models.PositiveIntegerField()
    public_key = models.BinaryField()
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["device", "public_key"], name="one_time_pre_key_once"),
            models.CheckConstraint(
                condition=Q(public_key__length=32), name="one_time_pre_key_length"
            ),
        )
        indexes = (
            models.Index(
                fields=["organisation", "claimed_at"],
                condition=Q(claimed_at__isnull=False),
                name="one_time_pre_key_tombstones",
            ),
        )
        triggers = same_organisation_per_statement(("device_id", "keys_device"))

    def __str__(self) -> str:
        return f"{self.device_id} {self.key_id}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a claim took: the oldest available key of a device, or None when there was none left."""

    device_id: UUID
    key_id: int | None
    public_key: bytes | None
    available: int
    claims_today: int


@dataclass(frozen=True, slots=True)
class OwnBundle:
    """An approved device's bundle under its lock, as its owner's acts need it."""

    organisation_id: UUID
    device_id: UUID
    device_name: str
    identity_key: bytes
    available: int
    highest_key_id: int


LOCK_OWN_BUNDLE = """
SELECT bundle.organisation_id, bundle.device_id, device.name, device.identity_key,
       bundle.available, bundle.highest_key_id
FROM keys_keybundle AS bundle JOIN keys_device AS device ON device.id = bundle.device_id
WHERE bundle.organisation_id = %s AND bundle.device_id = %s AND device.status = 'approved'
FOR UPDATE OF bundle
"""

APPEND_KEYS = """
WITH added AS (
    INSERT INTO keys_onetimeprekey (organisation_id, device_id, key_id, public_key)
    SELECT %(organisation)s, %(device)s, *
    FROM unnest(%(key_ids)s::int[], %(public_keys)b::bytea[])
    ON CONFLICT (device_id, public_key) DO NOTHING
    RETURNING 1
)
UPDATE keys_keybundle
SET available = available + %(added)s::int, highest_key_id = %(highest)s::int
WHERE organisation_id = %(organisation)s AND device_id = %(device)s
RETURNING (SELECT count(*) FROM added)
"""

# `(SELECT array)` here and below: with its length hidden, a plan for this array looks no better
# than one for any. Else PostgreSQL plans anew for each claim, which costs it more than the claim.
LOCK_BUNDLES = """
SELECT device_id FROM keys_keybundle
WHERE organisation_id = %s AND device_id = ANY((SELECT %s::uuid[])::uuid[])
ORDER BY device_id FOR UPDATE
"""

# The bundle rows are locked, so the oldest unclaimed key is this claim's alone. Not SKIP LOCKED:
# beside a claimer that rolls back it would say "none left" while one is.
TAKE_KEYS = """
WITH asked AS (
    SELECT * FROM unnest((SELECT %(claims)s::uuid[]), (SELECT %(devices)s::uuid[]))
        AS a (claim_id, device_id)
), taken AS (
    UPDATE keys_onetimeprekey AS k SET claimed_at = %(at)s
    FROM asked JOIN keys_keybundle AS bundle USING (device_id) CROSS JOIN LATERAL (
        SELECT key_id FROM keys_onetimeprekey
        WHERE device_id = bundle.device_id AND key_id > bundle.issued_key_id AND claimed_at IS NULL
        ORDER BY key_id LIMIT 1
    ) AS oldest
    WHERE k.device_id = asked.device_id AND k.key_id = oldest.key_id
    RETURNING k.device_id, k.key_id, k.public_key
), counted AS (
    UPDATE keys_keybundle AS b SET
        available = b.available - (taken.key_id IS NOT NULL)::int,
        issued_key_id = coalesce(taken.key_id, b.issued_key_id),
        claims = CASE WHEN b.claims_on = %(on)s THEN b.claims ELSE 0 END + 1,
        claims_on = %(on)s
    FROM asked LEFT JOIN taken USING (device_id)
    WHERE b.device_id = asked.device_id
    RETURNING b.device_id, b.available, b.claims
), noted AS (
    INSERT INTO keys_claim (id, organisation_id, claimant_account_id, claimant_device_id,
                            target_id, idempotency_key, request_hash, key_id, at)
    SELECT claim_id, %(organisation)s, %(account)s, %(claimant)s,
           asked.device_id, %(idempotency_key)s::varchar, %(request_hash)s::bytea,
           taken.key_id, %(at)s
    FROM asked LEFT JOIN taken USING (device_id)
)
SELECT device_id, taken.key_id, taken.public_key, counted.available, counted.claims
FROM counted LEFT JOIN taken USING (device_id)
"""


def lock_own_bundle(device_id: UUID) -> OwnBundle | None:
    """Lock one bundle; None unless the organisation has the device and it is approved.

    A revocation takes the row away under its lock, so the status that was read is still true.
    """
    with prepared_cursor() as cursor:
        cursor.execute(LOCK_OWN_BUNDLE, [current_organisation_id(), device_id])
        row = cursor.fetchone()
    return OwnBundle(*row) if row else None


def append_keys(bundle: OwnBundle, key_ids: Sequence[int], public_keys: Sequence[bytes]) -> int:
    """Add keys to a locked bundle; how many of them the device never had."""
    with prepared_cursor() as cursor:
        cursor.execute(
            APPEND_KEYS,
            {
                "organisation": bundle.organisation_id,
                "device": bundle.device_id,
                "key_ids": list(key_ids),
                "public_keys": list(public_keys),
                "added": len(key_ids),
                "highest": max(key_ids),
            },
        )
        return int(cursor.fetchone()[0])


def lock_bundles(device_ids: Sequence[UUID]) -> set[UUID]:
    """Lock these devices' bundles in device-id order; those that exist in the organisation."""
    with prepared_cursor() as cursor:
        cursor.execute(LOCK_BUNDLES, [current_organisation_id(), list(device_ids)])
        return {row[0] for row in cursor.fetchall()}


def take_keys(
    device_ids: Sequence[UUID],
    *,
    account_id: UUID,
    claimant_id: UUID,
    idempotency_key: str | None,
    request_hash: bytes | None,
    at: datetime,
) -> dict[UUID, Taken]:
    """Take one key of each device, whose bundles the caller has locked, and note the claims."""
    with prepared_cursor() as cursor:
        cursor.execute(
            TAKE_KEYS,
            {
                "claims": [uuid7() for _ in device_ids],
                "devices": list(device_ids),
                "at": at,
                "on": at.date(),
                "organisation": current_organisation_id(),
                "account": account_id,
                "claimant": claimant_id,
                "idempotency_key": idempotency_key,
                "request_hash": request_hash,
            },
        )
        return {row[0]: Taken(*row) for row in cursor.fetchall()}
