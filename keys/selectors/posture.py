"""Who deviates from what the organisation wants of its devices, and in what."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from keys.models import Deviation, Device, DeviceStatus, Posture
from orgs.managed_app import ManagedApp
from orgs.models import MembershipStatus
from orgs.selectors.settings import managed_config
from semafore.kernel.app_version import version_of


def deviations_from(wanted: ManagedApp, path: str = "") -> dict[Deviation, Q]:
    """What to look for in a posture; `path` leads to it (`posture__`).

    None of the settings holds on a device without passcode or encryption, so those always count.
    """

    def reported(**fields: Any) -> Q:
        return Q(**{f"{path}{name}": value for name, value in fields.items()})

    found = {
        Deviation.PASSCODE: reported(passcode_set=False),
        Deviation.ENCRYPTION: reported(encrypted=False),
    }
    if wanted.min_app_version:
        least = list(version_of(wanted.min_app_version))
        found[Deviation.APP_VERSION] = reported(app_version__lt=least)
    if not wanted.backup_allowed:
        found[Deviation.BACKUP] = reported(backup_allowed=True)
    if not wanted.screenshots_allowed:
        found[Deviation.SCREENSHOTS] = reported(screenshots_allowed=True)
    if not wanted.clipboard_allowed:
        found[Deviation.CLIPBOARD] = reported(clipboard_allowed=True)
    if wanted.lock_after_minutes:
        never = reported(lock_after_minutes=0)
        found[Deviation.LOCK] = never | reported(lock_after_minutes__gt=wanted.lock_after_minutes)
    if wanted.wipe_on_revocation:
        found[Deviation.WIPE] = reported(wipe_on_revocation=False)
    return found


def deviating(wanted: ManagedApp) -> Q:
    """Devices that deviate in anything."""
    return reduce(or_, deviations_from(wanted, "posture__").values())


def deviating_in(wanted: ManagedApp, deviation: Deviation) -> Q:
    """Devices that deviate in this; nobody does in what isn't wanted."""
    return deviations_from(wanted, "posture__").get(deviation, Q(pk__in=[]))


@dataclass(frozen=True, slots=True)
class Reported:
    """A device's last report, held against what is wanted today."""

    posture: Posture
    deviations: list[Deviation]

    @property
    def app_version(self) -> str:
        """With dots."""
        return ".".join(map(str, self.posture.app_version))


def reported(device_ids: Collection[UUID]) -> dict[UUID, Reported]:
    """By device; who never reported is missing. Two statements however many."""
    looked_for = deviations_from(managed_config().settings)
    found = Posture.objects.filter(device_id__in=device_ids).annotate(
        **{f"has_{one}": ExpressionWrapper(q, BooleanField()) for one, q in looked_for.items()}
    )
    return {
        one.device_id: Reported(
            one, [each for each in Deviation if getattr(one, f"has_{each}", False)]
        )
        for one in found
    }


@dataclass(frozen=True, slots=True)
class Conformity:
    """How many approved devices of active people do what is wanted."""

    devices: int
    deviating: int
    silent: int
    """Never reported."""

    @property
    def conforming(self) -> int:
        """The rest."""
        return self.devices - self.deviating - self.silent


def conformity(wanted: ManagedApp) -> Conformity:
    """Of the current organisation."""
    return Conformity(
        **_reachable().aggregate(
            devices=Count("id"),
            deviating=Count("id", filter=deviating(wanted)),
            silent=Count("id", filter=Q(posture=None)),
        )
    )


def versions_in_use() -> list[tuple[str, int]]:
    """Versions of the app that devices reported, the oldest first, and how many have each."""
    found = _reachable().exclude(posture=None).values_list("posture__app_version", flat=True)
    counted = Counter(map(tuple, found))
    return [(".".join(map(str, version)), counted[version]) for version in sorted(counted)]


def _reachable() -> Any:
    return Device.objects.filter(
        status=DeviceStatus.APPROVED, membership__status=MembershipStatus.ACTIVE
    )
