"""Publishing, rotating and withdrawing: what an owner does to its own bundle, under its lock."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from audit.services.recording import Ref, record
from keys import events
from keys.errors import (
    IdentityKeyImmutable,
    KeyIdConflict,
    KeyReused,
    RotationLimit,
    TooManyKeys,
)
from keys.models import Device, KeyBundle, OneTimePreKey, SignedPreKey
from keys.models.prekeys import OwnBundle, append_keys, lock_own_bundle
from keys.uploads import HELD_MAX, OneTimePreKeyUpload, SignedPreKeyUpload, check_upload
from semafore.kernel import clock, hooks
from semafore.kernel.problems import NotFound

ROTATIONS_PER_DAY = 24
DAY = timedelta(days=1)


def device_ref(device: Device) -> Ref:
    """A device as events name it."""
    return Ref(kind="device", id=device.id, label=device.name)


def bundle_ref(bundle: OwnBundle) -> Ref:
    """A bundle's device as events name it."""
    return Ref(kind="device", id=bundle.device_id, label=bundle.device_name)


def locked_bundle(device_id: UUID) -> OwnBundle:
    """The bundle of an approved device, locked. Raises NotFound."""
    bundle = lock_own_bundle(device_id)
    if bundle is None:
        raise NotFound
    return bundle


@transaction.atomic
def publish(
    *,
    device_id: UUID,
    identity_key: bytes,
    signed_pre_key: SignedPreKeyUpload | None,
    one_time_pre_keys: Sequence[OneTimePreKeyUpload],
) -> None:
    """Append one-time pre-keys and, if given, make a signed pre-key the current one.

    All or nothing. What is there already, identical, is left alone. Raises NotFound,
    IdentityKeyImmutable, PublicKeyInvalid, SignatureInvalid, KeyIdConflict, KeyReused, TooManyKeys,
    RotationLimit.
    """
    bundle = locked_bundle(device_id)
    if identity_key != bundle.identity_key:
        raise IdentityKeyImmutable
    check_upload(identity_key, signed_pre_key, one_time_pre_keys)
    if signed_pre_key is not None:
        install_signed_pre_key(bundle, signed_pre_key)
    append_one_time_pre_keys(bundle, one_time_pre_keys)


@transaction.atomic
def rotate(*, device_id: UUID, signed_pre_key: SignedPreKeyUpload) -> None:
    """Make this the current signed pre-key; the superseded one keeps its grace (seed, Rotation).

    Sending the current one again changes nothing and doesn't renew its age. Raises NotFound,
    PublicKeyInvalid, SignatureInvalid, KeyIdConflict, KeyReused, RotationLimit.
    """
    bundle = locked_bundle(device_id)
    check_upload(bundle.identity_key, signed_pre_key, (), prefix="")
    install_signed_pre_key(bundle, signed_pre_key)


@transaction.atomic
def withdraw(*, device_id: UUID) -> None:
    """Take back every unclaimed one-time pre-key; their ids stay used. Raises NotFound."""
    bundle = locked_bundle(device_id)
    withdrawn, _ = OneTimePreKey.objects.filter(device_id=device_id, claimed_at=None).delete()
    if not withdrawn:
        return
    KeyBundle.objects.filter(device_id=device_id).update(available=0)
    record(events.KeyBundleWithdrawn(withdrawn=withdrawn), target=bundle_ref(bundle))


def install_signed_pre_key(bundle: OwnBundle, new: SignedPreKeyUpload) -> None:
    """Supersede the current signed pre-key of a locked bundle by a checked one."""
    now = clock.now()
    known = SignedPreKey.objects.filter(device_id=bundle.device_id)
    current = known.filter(superseded_at=None).first()
    if current is not None and (current.key_id, bytes(current.key_hash)) == (
        new.key_id,
        new.key_hash,
    ):
        return
    # Reuse is named before the id: an old key under its old id is first of all an old key.
    if known.filter(key_hash=new.key_hash).exists():
        raise KeyReused
    # Ids only grow, so the current key has the highest.
    if current is not None and new.key_id <= current.key_id:
        raise KeyIdConflict(
            detail=f"Signed pre-key ids only grow; the highest seen is {current.key_id}.",
            key_ids=[new.key_id],
        )
    rotations = known.filter(superseded_at__gt=now - DAY).order_by("-superseded_at")
    recent = list(rotations.values_list("superseded_at", flat=True)[:ROTATIONS_PER_DAY])
    if len(recent) == ROTATIONS_PER_DAY and recent[-1] is not None:
        raise RotationLimit(retry_after=int((recent[-1] + DAY - now).total_seconds()) + 1)
    if current is not None:
        known.filter(key_id=current.key_id).update(superseded_at=now)
    SignedPreKey.objects.create(
        organisation_id=bundle.organisation_id,
        device_id=bundle.device_id,
        key_id=new.key_id,
        public_key=new.public_key,
        signature=new.signature,
        key_hash=new.key_hash,
        uploaded_at=now,
    )
    record(
        events.SignedPreKeyRotated(
            key_id=new.key_id, superseded_key_id=current.key_id if current else None
        ),
        target=bundle_ref(bundle),
    )
    if current is not None and current.uploaded_at <= now - settings.SPK_MAX_AGE:
        hooks.signed_pre_key_renewed(hooks.SignedPreKeyRenewed(bundle.device_id))


def append_one_time_pre_keys(bundle: OwnBundle, keys: Sequence[OneTimePreKeyUpload]) -> None:
    """Append a checked batch to a locked bundle; identical keys that are there are left alone.

    Raises KeyIdConflict, KeyReused, TooManyKeys.
    """
    ids = [key.key_id for key in keys]
    if len(set(ids)) < len(ids):
        raise KeyIdConflict(
            detail="A key id stands twice in this batch.",
            key_ids=sorted({key_id for key_id in ids if ids.count(key_id) > 1}),
        )
    new = keys if not ids or min(ids) > bundle.highest_key_id else _unseen(bundle, keys)
    if not new:
        return
    if bundle.available + len(new) > HELD_MAX:
        raise TooManyKeys(
            detail=f"At most {HELD_MAX} one-time pre-keys are held; {bundle.available} are there."
        )
    ids = [key.key_id for key in new]
    if append_keys(bundle, ids, [key.public_key for key in new]) < len(new):
        own = {public_key: key_id for key_id, public_key in _stored(bundle, new)}
        raise KeyReused(
            detail="These keys were uploaded before, under other ids.",
            key_ids=sorted(key.key_id for key in new if own[key.public_key] != key.key_id),
        )
    record(
        events.KeyBundlePublished(added=len(new), lowest_key_id=min(ids), highest_key_id=max(ids)),
        target=bundle_ref(bundle),
    )


def _stored(bundle: OwnBundle, keys: Sequence[OneTimePreKeyUpload]) -> list[tuple[int, bytes]]:
    """What the device ever uploaded under these ids or with these keys, tombstones included."""
    same = Q(key_id__in=[key.key_id for key in keys]) | Q(
        public_key__in=[key.public_key for key in keys]
    )
    stored = OneTimePreKey.objects.filter(same, device_id=bundle.device_id)
    return [(key_id, bytes(key)) for key_id, key in stored.values_list("key_id", "public_key")]


def _unseen(bundle: OwnBundle, keys: Sequence[OneTimePreKeyUpload]) -> list[OneTimePreKeyUpload]:
    """Those that aren't there yet. Raises KeyIdConflict for others at or below the highest id."""
    known = dict(_stored(bundle, keys))
    new = [key for key in keys if known.get(key.key_id) != key.public_key]
    conflicting = sorted(key.key_id for key in new if key.key_id <= bundle.highest_key_id)
    if conflicting:
        raise KeyIdConflict(
            detail=f"Key ids only grow; the highest seen is {bundle.highest_key_id}.",
            key_ids=conflicting,
        )
    return new
