"""Key health: how old a device's signed pre-key is, how many one-time pre-keys are left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from keys.fingerprint import fingerprint
from keys.models import Deviation, Device, DeviceStatus, KeyBundle, SignedPreKey
from keys.selectors.posture import Reported, deviating, deviating_in, reported
from keys.uploads import HELD_MAX
from orgs.selectors.members import matching
from orgs.selectors.settings import managed_config
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id

# Some milliseconds each, and neither the key nor the device id ever changes.
_fingerprint = lru_cache(maxsize=10_000)(fingerprint)

HOUR = 3600

DEVIATES, SILENT = "deviates", "silent"
"""Postures to look for: in anything, and no report at all; or one of `Deviation`."""


class Health(StrEnum):
    """What a device may suffer from; approved ones alone."""

    EXPIRED = "expired"
    LOW = "low"
    NEVER_SEEN = "never_seen"


@dataclass(frozen=True, slots=True)
class SignedPreKeyAge:
    """The current signed pre-key's age; `expired` from `expires_at` on."""

    key_id: int
    uploaded_at: datetime
    expires_at: datetime
    expired: bool
    hours: int

    @property
    def most_hours(self) -> int:
        """Its age at the end."""
        return int(settings.SPK_MAX_AGE.total_seconds()) // HOUR

    @property
    def label(self) -> str:
        """The age in words."""
        return f"{self.hours} of {self.most_hours} hours"


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """A device with its fingerprint and its keys; no keys once it is denied or revoked."""

    device: Device
    fingerprint: str
    signed_pre_key: SignedPreKeyAge | None
    available: int | None
    """One-time pre-keys that are left."""
    reported: Reported | None
    """What it said of itself last; None for never."""

    @property
    def low(self) -> bool:
        """Fewer left than the threshold at which the device is told."""
        return (
            self.available is not None
            and self.available < settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD
        )

    @property
    def most_available(self) -> int:
        """So many can be held."""
        return HELD_MAX

    @property
    def stock_label(self) -> str:
        """The stock in words."""
        return f"{self.available} of {self.most_available} left"


def devices(
    *, text: str = "", status: str = "", health: str = "", posture: str = ""
) -> QuerySet[Device]:
    """The devices that fit, with their people."""
    # The person's organisation is the device's own; said twice, the index by name gives the order.
    people = Q(membership__organisation_id=current_organisation_id())
    found = Device.objects.filter(people).select_related("membership")
    if text:
        found = found.filter(matching(text, "membership__"))
    if status:
        found = found.filter(status=status)
    if posture:
        approved = Q(status=DeviceStatus.APPROVED)
        found = found.filter(approved, _of_posture(posture))
    return found.filter(_suffering(Health(health))) if health else found


def _of_posture(posture: str) -> Q:
    if posture == SILENT:
        return Q(posture=None)
    wanted = managed_config().settings
    return deviating(wanted) if posture == DEVIATES else deviating_in(wanted, Deviation(posture))


def _suffering(health: Health) -> Q:
    approved = Q(status=DeviceStatus.APPROVED)
    match health:
        case Health.EXPIRED:
            # Not "without a fresh one": that takes 20 s of 10 000 devices until they are analysed.
            stale = SignedPreKey.objects.filter(
                superseded_at=None, uploaded_at__lte=clock.now() - settings.SPK_MAX_AGE
            )
            return approved & Q(id__in=stale.values("device_id"))
        case Health.LOW:
            threshold = settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD
            return approved & Q(key_bundle__available__lt=threshold)
        case Health.NEVER_SEEN:
            return approved & Q(last_seen_on=None)


def device(device_id: UUID) -> Device:
    """A device with everybody and everything that a page of it names. Raises NotFound."""
    related = ("membership", "endorser", "decided_by")
    found = Device.objects.select_related(*related).filter(id=device_id).first()
    if found is None:
        raise NotFound
    return found


def reports(of: Sequence[Device]) -> list[DeviceReport]:
    """The devices in the same order with their key health, in four statements however many."""
    ids = [one.id for one in of]
    current = SignedPreKey.objects.filter(device_id__in=ids, superseded_at=None)
    ages = {key.device_id: _age(key) for key in current.defer("public_key", "signature")}
    stock = dict(KeyBundle.objects.filter(device_id__in=ids).values_list("device_id", "available"))
    postures = reported(ids)
    return [
        DeviceReport(
            device=one,
            fingerprint=_fingerprint(bytes(one.identity_key), one.id),
            signed_pre_key=ages.get(one.id),
            available=stock.get(one.id),
            reported=postures.get(one.id),
        )
        for one in of
    ]


def _age(key: SignedPreKey) -> SignedPreKeyAge:
    now = clock.now()
    expires_at = key.uploaded_at + settings.SPK_MAX_AGE
    return SignedPreKeyAge(
        key_id=key.key_id,
        uploaded_at=key.uploaded_at,
        expires_at=expires_at,
        expired=expires_at <= now,
        hours=int((now - key.uploaded_at).total_seconds()) // HOUR,
    )


def approved_devices(membership_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many approved devices each of the people has; who has none is missing."""
    found = Device.objects.filter(membership_id__in=membership_ids, status=DeviceStatus.APPROVED)
    return dict(found.values_list("membership_id").annotate(Count("id")))
