"""What a claim needs to know of its targets, in one statement after the bundles are locked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from keys.selectors.credentials import DeviceCredential
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A signed pre-key in a bundle; current while `superseded_at` is None."""

    key_id: int
    public_key: bytes
    signature: bytes
    uploaded_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Endorsement:
    """Another approved device of the same person vouches for the identity key."""

    device_id: UUID
    signature: bytes


@dataclass(frozen=True, slots=True)
class Claimable:
    """A device that can be claimed of, with everything that decides about its claim."""

    id: UUID
    owner_id: UUID
    """Its person's membership."""
    owner_kind: str
    name: str
    registration_id: int
    identity_key: bytes
    approval_leaf: bytes
    approval_index: int | None
    """Of the approval's entry in the log; None until it is sequenced."""
    endorsement: Endorsement | None
    signed_pre_key: PublishedKey | None
    previous_signed_pre_keys: Sequence[PublishedKey]
    recent_claims: int
    oldest_claim: datetime | None
    replayed: bool
    replayed_key: tuple[int, bytes] | None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer for a whole call."""

    claimant_may_claim: bool
    request_hash: bytes | None
    """Of an earlier call with this idempotency key."""
    devices: dict[UUID, Claimable]


# `(SELECT array)`: planned once a connection, not for each array (keys/models/prekeys.py).
# The approval's place is a subquery: as a join, a plan made while the log is small reads all of it.
CLAIMABLE = """
SELECT
    EXISTS (
        SELECT FROM keys_device AS own
        JOIN orgs_membership AS person ON person.id = own.membership_id
        WHERE own.organisation_id = %(organisation)s AND own.id = %(claimant)s
          AND own.status = 'approved' AND person.status = 'active'
          AND (person.ends_at IS NULL OR person.ends_at > %(now)s::timestamptz)
    ),
    (SELECT request_hash FROM keys_claim
     WHERE claimant_device_id = %(claimant)s AND idempotency_key = %(idempotency_key)s LIMIT 1),
    target.id, owner.id, owner.kind,
    target.name, target.registration_id, target.identity_key, target.approval_leaf,
    (SELECT seq FROM audit_entry
     WHERE organisation_id = %(organisation)s AND event_id = target.approval_event_id),
    endorser.id, target.endorsement_signature,
    spk.key_ids, spk.public_keys, spk.signatures, spk.uploaded, spk.superseded,
    recent.claims, recent.oldest,
    replay.id IS NOT NULL, replay.key_id, replayed_key.public_key
FROM (VALUES (1)) AS always
LEFT JOIN (
    keys_device AS target
    JOIN keys_keybundle AS bundle ON bundle.device_id = target.id
    JOIN orgs_membership AS owner ON owner.id = target.membership_id
) ON target.organisation_id = %(organisation)s
    AND target.id = ANY((SELECT %(devices)s::uuid[])::uuid[])
    AND target.status = 'approved' AND owner.status = 'active'
    AND (owner.ends_at IS NULL OR owner.ends_at > %(now)s::timestamptz)
LEFT JOIN keys_device AS endorser
    ON endorser.id = target.endorser_id AND endorser.status = 'approved'
LEFT JOIN LATERAL (
    SELECT array_agg(key_id) AS key_ids, array_agg(public_key) AS public_keys,
           array_agg(signature) AS signatures, array_agg(uploaded_at) AS uploaded,
           array_agg(superseded_at) AS superseded
    FROM (SELECT * FROM keys_signedprekey
          WHERE device_id = target.id AND public_key IS NOT NULL ORDER BY key_id DESC) AS live
) AS spk ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS claims, min(at) AS oldest
    FROM (SELECT at FROM keys_claim
          WHERE target_id = target.id AND claimant_account_id = %(account)s AND at > %(since)s
          ORDER BY at DESC LIMIT %(limit)s) AS latest
) AS recent ON true
LEFT JOIN keys_claim AS replay
    ON replay.claimant_device_id = %(claimant)s AND replay.idempotency_key = %(idempotency_key)s
    AND replay.target_id = target.id
LEFT JOIN keys_onetimeprekey AS replayed_key
    ON replayed_key.device_id = target.id AND replayed_key.key_id = replay.key_id
"""


def claimable_devices(
    *,
    credential: DeviceCredential,
    device_ids: Collection[UUID],
    idempotency_key: str | None,
    since: datetime,
) -> Found:
    """Those of the devices that are let in; whom of them the claimant reaches is not looked at."""
    with prepared_cursor() as cursor:
        cursor.execute(
            CLAIMABLE,
            {
                "organisation": credential.organisation_id,
                "account": credential.account_id,
                "claimant": credential.device_id,
                "devices": list(device_ids),
                "idempotency_key": idempotency_key,
                "since": since,
                "now": clock.now(),
                "limit": settings.CLAIMS_PER_TARGET_PER_DAY,
            },
        )
        rows = cursor.fetchall()
    devices = [_claimable(row[2:]) for row in rows if row[2] is not None]
    return Found(
        claimant_may_claim=rows[0][0],
        request_hash=rows[0][1],
        devices={device.id: device for device in devices},
    )


def _claimable(row: Sequence[Any]) -> Claimable:
    device_id, owner_id, owner_kind, name, registration_id, identity_key = row[:6]
    approval_leaf, approval_index, endorser_id, endorsement_signature = row[6:10]
    claims, oldest, replayed, replayed_id, replayed_key = row[15:]
    keys = [PublishedKey(*key) for key in zip(*row[10:15], strict=True)] if row[10] else []
    return Claimable(
        id=device_id,
        owner_id=owner_id,
        owner_kind=owner_kind,
        name=name,
        registration_id=registration_id,
        identity_key=identity_key,
        approval_leaf=approval_leaf,
        approval_index=approval_index,
        endorsement=Endorsement(endorser_id, endorsement_signature) if endorser_id else None,
        signed_pre_key=next((key for key in keys if key.superseded_at is None), None),
        previous_signed_pre_keys=[key for key in keys if key.superseded_at is not None],
        recent_claims=claims,
        oldest_claim=oldest,
        replayed=replayed,
        replayed_key=(replayed_id, replayed_key) if replayed_key is not None else None,
    )
