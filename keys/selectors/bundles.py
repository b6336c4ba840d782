"""What an owner may know of its own bundle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from django.conf import settings

from keys.fingerprint import bundle_digest
from keys.models import KeyBundle, SignedPreKey
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id


@dataclass(frozen=True, slots=True)
class SignedPreKeyStatus:
    """The current signed pre-key."""

    key_id: int
    uploaded_at: datetime
    expires_at: datetime
    expired: bool


@dataclass(frozen=True, slots=True)
class PreviousSignedPreKey:
    """A superseded signed pre-key within its grace."""

    key_id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OneTimePreKeyStatus:
    """The stock."""

    available: int
    available_ranges: Sequence[tuple[int, int]]
    highest_key_id: int


@dataclass(frozen=True, slots=True)
class BundleStatus:
    """A bundle as its owner sees it; `digest` tells whether server and device agree (api.md)."""

    identity_key: bytes
    signed_pre_key: SignedPreKeyStatus | None
    previous_signed_pre_keys: Sequence[PreviousSignedPreKey]
    one_time_pre_keys: OneTimePreKeyStatus
    digest: bytes


# One statement, and one array each for ids and keys: a thousand rows would cost more than the rest.
STATUS = """
SELECT device.identity_key, bundle.highest_key_id,
       signed.key_ids, signed.public_keys, signed.uploaded, signed.superseded,
       stock.key_ids, stock.numbered_keys
FROM keys_keybundle AS bundle
JOIN keys_device AS device ON device.id = bundle.device_id
CROSS JOIN LATERAL (
    SELECT array_agg(key_id) AS key_ids, array_agg(public_key) AS public_keys,
           array_agg(uploaded_at) AS uploaded, array_agg(superseded_at) AS superseded
    FROM (SELECT * FROM keys_signedprekey
          WHERE device_id = bundle.device_id AND public_key IS NOT NULL
          ORDER BY key_id DESC) AS live
) AS signed
CROSS JOIN LATERAL (
    SELECT array_agg(key_id ORDER BY key_id) AS key_ids,
           string_agg(int8send(key_id) || public_key, '' ORDER BY key_id) AS numbered_keys
    FROM keys_onetimeprekey
    WHERE device_id = bundle.device_id AND key_id > bundle.issued_key_id AND claimed_at IS NULL
) AS stock
WHERE bundle.organisation_id = %s AND bundle.device_id = %s AND device.status = 'approved'
"""


def bundle_status(device_id: UUID) -> BundleStatus:
    """The status of an approved device's bundle. Raises NotFound."""
    with prepared_cursor() as cursor:
        cursor.execute(STATUS, [current_organisation_id(), device_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    identity_key, highest_key_id = row[:2]
    signed = list(zip(*row[2:6], strict=True)) if row[2] else []
    available, numbered_keys = row[6] or [], row[7] or b""
    now = clock.now()
    current, current_key = None, None
    previous = []
    for key_id, public_key, uploaded_at, superseded_at in signed:
        if superseded_at is None:
            expires_at = uploaded_at + settings.SPK_MAX_AGE
            current = SignedPreKeyStatus(key_id, uploaded_at, expires_at, expires_at <= now)
            current_key = (key_id, public_key)
        elif superseded_at + settings.SPK_GRACE_PERIOD > now:
            previous.append(PreviousSignedPreKey(key_id, superseded_at + settings.SPK_GRACE_PERIOD))
    return BundleStatus(
        identity_key=identity_key,
        signed_pre_key=current,
        previous_signed_pre_keys=previous,
        one_time_pre_keys=OneTimePreKeyStatus(
            available=len(available),
            available_ranges=ranges(available),
            highest_key_id=highest_key_id,
        ),
        digest=bundle_digest(identity_key, current_key, numbered_keys),
    )


def ranges(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending ids as closed ranges: 1 2 3 7 8 gives (1, 3), (7, 8)."""
    if not ids:
        return []
    gaps = [(left, right) for left, right in pairwise(ids) if right != left + 1]
    starts = [ids[0], *(right for _, right in gaps)]
    ends = [*(left for left, _ in gaps), ids[-1]]
    return list(zip(starts, ends, strict=True))


@dataclass(frozen=True, slots=True)
class DueKeyEvents:
    """What a connected device should be told of its keys just now."""

    available: int
    low: bool
    highest_key_id: int
    """Grows with every upload: low again under another one is another shortage."""
    expires_at: datetime | None
    """Set from 24 hours before the current signed pre-key expires."""
    expired: bool


def due_key_events(device_ids: Sequence[UUID]) -> dict[UUID, DueKeyEvents]:
    """For devices of the current organisation, in two statements however many they are."""
    now = clock.now()
    current = dict(
        SignedPreKey.objects.filter(device_id__in=device_ids, superseded_at=None).values_list(
            "device_id", "uploaded_at"
        )
    )
    bundles = KeyBundle.objects.filter(device_id__in=device_ids)
    due = {}
    rows = bundles.values_list("device_id", "available", "highest_key_id")
    for device_id, available, highest_key_id in rows:
        uploaded_at = current.get(device_id)
        expires_at = uploaded_at + settings.SPK_MAX_AGE if uploaded_at else None
        due[device_id] = DueKeyEvents(
            available=available,
            low=available < settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD,
            highest_key_id=highest_key_id,
            expires_at=expires_at
            if expires_at and expires_at - settings.SPK_WARNING_PERIOD <= now
            else None,
            expired=expires_at is not None and expires_at <= now,
        )
    return due
