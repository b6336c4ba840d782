"""Claiming key bundles: one transaction under the bundles' locks, one event for the call.

Statements of a claim, single or bulk: lock the bundles in device-id order; read everything in a
snapshot taken after the locks (what a rotation, revocation or another claim did before us is seen);
where a guest is on either side, who is in reach; take the keys and note the claims; record the
event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.events.denials import AccessDenied
from audit.services.denials import Denial, count_denials
from audit.services.recording import UNKNOWN, Fact, Ref, record_many
from keys import events, metrics
from keys.errors import ClaimLimit, OwnDevice, SignedPreKeyExpired
from keys.models.prekeys import Taken, lock_bundles, take_keys
from keys.selectors.claims import Claimable, PublishedKey, claimable_devices
from keys.selectors.credentials import DeviceCredential
from keys.selectors.reach import out_of_reach, reached_by_room
from orgs.models import MembershipKind
from semafore.kernel import clock
from semafore.kernel.problems import IdempotencyKeyReused, NotAuthenticated, NotFound, Problem
from semafore.kernel.realtime import Hint, notify

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClaimedBundle:
    """A bundle as handed to a claimant; `one_time_pre_key` is None when none was left."""

    device: Claimable
    previous_signed_pre_keys: Sequence[PublishedKey]
    one_time_pre_key: tuple[int, bytes] | None


Outcome = ClaimedBundle | Problem


def claim(
    *, credential: DeviceCredential, device_id: UUID, idempotency_key: str | None = None
) -> ClaimedBundle:
    """Claim one device's bundle.

    Raises NotFound (also for what the claimant may not reach), OwnDevice, SignedPreKeyExpired,
    ClaimLimit, IdempotencyKeyReused, NotAuthenticated.
    """
    outcome = _claim_all(credential, [device_id], idempotency_key)[device_id]
    _count(outcome)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


def claim_all(
    *, credential: DeviceCredential, device_ids: Sequence[UUID], idempotency_key: str | None = None
) -> dict[UUID, Outcome]:
    """Claim several bundles; one device's problem never fails the rest.

    Raises IdempotencyKeyReused, NotAuthenticated when the claimant was shut out meanwhile.
    """
    outcomes = _claim_all(credential, device_ids, idempotency_key)
    for outcome in outcomes.values():
        _count(outcome)
    denials = [
        outcome.denial
        for outcome in outcomes.values()
        if isinstance(outcome, Problem) and isinstance(outcome.denial, Denial)
    ]
    if denials:
        # The whole call is no refusal, so the base view, which counts those, doesn't hear of these.
        count_denials(denials)
    return outcomes


def _count(outcome: Outcome) -> None:
    if isinstance(outcome, Problem):
        word = outcome.code
    elif outcome.device.replayed:
        word = metrics.REPEATED
    else:
        word = metrics.ISSUED if outcome.one_time_pre_key else metrics.NONE_LEFT
    metrics.CLAIMS.labels(word).inc()


@transaction.atomic
def _claim_all(
    credential: DeviceCredential, device_ids: Sequence[UUID], idempotency_key: str | None
) -> dict[UUID, Outcome]:
    now = clock.now()
    request_hash = _request_hash(device_ids) if idempotency_key else None
    # Only what is locked is looked at: a device that appears later waits for the next call.
    found = claimable_devices(
        credential=credential,
        device_ids=lock_bundles(device_ids),
        idempotency_key=idempotency_key,
        since=now - DAY,
    )
    if not found.claimant_may_claim:
        raise NotAuthenticated
    if found.request_hash is not None and found.request_hash != request_hash:
        raise IdempotencyKeyReused

    devices = _in_reach(credential, found.devices)
    outcomes: dict[UUID, Outcome] = {}
    to_take: list[UUID] = []
    for device_id in device_ids:
        device = devices.get(device_id)
        problem = _refusal(credential, device_id, device, now)
        if problem is not None:
            outcomes[device_id] = problem
        elif device is not None and device.replayed:
            outcomes[device_id] = _bundle(device, device.replayed_key, now)
        else:
            to_take.append(device_id)

    taken = (
        take_keys(
            to_take,
            account_id=credential.account_id,
            claimant_id=credential.device_id,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
            at=now,
        )
        if to_take
        else {}
    )
    for device_id in to_take:
        one = taken[device_id]
        key = (one.key_id, one.public_key) if one.key_id and one.public_key else None
        outcomes[device_id] = _bundle(devices[device_id], key, now)
    if taken:
        _record(taken, devices)
        _tell_owners(taken)
    expired = [
        device_id for device_id, one in outcomes.items() if isinstance(one, SignedPreKeyExpired)
    ]
    notify(expired, Hint.SIGNED_PRE_KEY_EXPIRED)
    return {device_id: outcomes[device_id] for device_id in device_ids}


def _in_reach(
    credential: DeviceCredential, devices: dict[UUID, Claimable]
) -> dict[UUID, Claimable]:
    """Those that the claimant may reach; the others are as if they didn't exist."""
    owners = {device.owner_id: device.owner_kind for device in devices.values()}
    by_room = reached_by_room(credential, owners)
    if not by_room and credential.kind != MembershipKind.GUEST:
        return devices
    hidden = out_of_reach(credential, by_room)
    return {
        device_id: device for device_id, device in devices.items() if device.owner_id not in hidden
    }


def _request_hash(device_ids: Sequence[UUID]) -> bytes:
    return sha256(b"".join(sorted(device_id.bytes for device_id in device_ids))).digest()


def _refusal(
    credential: DeviceCredential, device_id: UUID, device: Claimable | None, now: datetime
) -> Problem | None:
    """Why this device's bundle is not given out, if so."""
    if device_id == credential.device_id:
        return OwnDevice()
    if device is None:
        denied = AccessDenied(act="claim a key bundle", reason=NotFound.code)
        return NotFound(denial=Denial(denied, Ref(kind=UNKNOWN, id=device_id)))
    target = Ref(kind="device", id=device_id, label=device.name)
    current = device.signed_pre_key
    if current is None or current.uploaded_at + settings.SPK_MAX_AGE <= now:
        refused = events.SessionRefused(signed_pre_key_id=current.key_id if current else 0)
        return SignedPreKeyExpired(denial=Denial(refused, target))
    limit = settings.CLAIMS_PER_TARGET_PER_DAY
    if not device.replayed and device.recent_claims >= limit and device.oldest_claim:
        wait = int((device.oldest_claim + DAY - now).total_seconds()) + 1
        limited = events.ClaimLimited(limit=limit)
        return ClaimLimit(retry_after=max(1, wait), denial=Denial(limited, target))
    return None


def _bundle(
    device: Claimable, one_time_pre_key: tuple[int, bytes] | None, now: datetime
) -> ClaimedBundle:
    return ClaimedBundle(
        device=device,
        previous_signed_pre_keys=[
            key
            for key in device.previous_signed_pre_keys
            if key.superseded_at and key.superseded_at + settings.SPK_GRACE_PERIOD > now
        ],
        one_time_pre_key=one_time_pre_key,
    )


def _record(taken: dict[UUID, Taken], devices: dict[UUID, Claimable]) -> None:
    refs = {
        device_id: Ref(kind="device", id=device_id, label=devices[device_id].name)
        for device_id in taken
    }
    claims: list[dict[str, UUID | int | None]] = [
        {"device_id": one.device_id, "key_id": one.key_id} for one in taken.values()
    ]
    only = next(iter(refs.values())) if len(refs) == 1 else None
    facts = [Fact(events.KeyBundleClaimed(claims=claims), target=only)]
    facts += [
        Fact(events.KeyBundleClaimsUnusual(claims=one.claims_today), target=refs[one.device_id])
        for one in taken.values()
        if one.claims_today == settings.UNUSUAL_CLAIMS_PER_DAY
    ]
    record_many(facts)


def _tell_owners(taken: dict[UUID, Taken]) -> None:
    """Once a crossing, not at each claim below it (seed, Replenishment)."""
    threshold = settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD
    crossed = [
        one.device_id
        for one in taken.values()
        if one.key_id is not None and one.available == threshold - 1
    ]
    notify(crossed, Hint.KEY_BUNDLE)
