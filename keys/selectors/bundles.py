"""What an owner may know of its own bundle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from django.conf import settings

from keys.fingerprint import bundle_digest
from keys.models import DeviceStatus, KeyBundle, OneTimePreKey, SignedPreKey
from semafore.kernel import clock
from semafore.kernel.problems import NotFound


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


def bundle_status(device_id: UUID) -> BundleStatus:
    """The status of an approved device's bundle. Raises NotFound."""
    bundle = (
        KeyBundle.objects.select_related("device")
        .filter(device_id=device_id, device__status=DeviceStatus.APPROVED)
        .first()
    )
    if bundle is None:
        raise NotFound
    now = clock.now()
    signed = list(
        SignedPreKey.objects.filter(device_id=device_id, public_key__isnull=False).order_by(
            "-key_id"
        )
    )
    current = next((key for key in signed if key.superseded_at is None), None)
    one_time = list(
        OneTimePreKey.objects.filter(device_id=device_id, claimed_at=None)
        .order_by("key_id")
        .values_list("key_id", "public_key")
    )
    identity_key = bytes(bundle.device.identity_key)
    previous = [
        PreviousSignedPreKey(key.key_id, key.superseded_at + settings.SPK_GRACE_PERIOD)
        for key in signed
        if key.superseded_at is not None and key.superseded_at + settings.SPK_GRACE_PERIOD > now
    ]
    return BundleStatus(
        identity_key=identity_key,
        signed_pre_key=_signed_status(current, now) if current else None,
        previous_signed_pre_keys=previous,
        one_time_pre_keys=OneTimePreKeyStatus(
            available=len(one_time),
            available_ranges=ranges([key_id for key_id, _ in one_time]),
            highest_key_id=bundle.highest_key_id,
        ),
        digest=bundle_digest(
            identity_key,
            (current.key_id, bytes(current.public_key or b"")) if current else None,
            [(key_id, bytes(public_key)) for key_id, public_key in one_time],
        ),
    )


def _signed_status(key: SignedPreKey, now: datetime) -> SignedPreKeyStatus:
    expires_at = key.uploaded_at + settings.SPK_MAX_AGE
    return SignedPreKeyStatus(key.key_id, key.uploaded_at, expires_at, expires_at <= now)


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
    for device_id, available in bundles.values_list("device_id", "available"):
        uploaded_at = current.get(device_id)
        expires_at = uploaded_at + settings.SPK_MAX_AGE if uploaded_at else None
        due[device_id] = DueKeyEvents(
            available=available,
            low=available < settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD,
            expires_at=expires_at
            if expires_at and expires_at - settings.SPK_WARNING_PERIOD <= now
            else None,
            expired=expires_at is not None and expires_at <= now,
        )
    return due
