"""Reports of devices on themselves."""

from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from keys import events
from keys.models import Deviation, Device, DeviceStatus, Posture
from keys.selectors.posture import reported
from keys.services.bundles import device_ref
from orgs.services.memberships import membership_ref
from semafore.kernel import clock
from semafore.kernel.app_version import AppVersion
from semafore.kernel.problems import NotAuthenticated
from semafore.kernel.tenancy import current_organisation_id, lock_organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class PostureReport:
    """What a device says of itself (`PUT posture`); the fields of `Posture`."""

    app_version: AppVersion
    os_version: str
    passcode_set: bool | None
    encrypted: bool | None
    managed: bool
    config_version: int
    backup_allowed: bool
    screenshots_allowed: bool
    clipboard_allowed: bool
    lock_after_minutes: int
    wipe_on_revocation: bool


@transaction.atomic
def report_posture(*, device_id: UUID, report: PostureReport) -> list[Deviation]:
    """Keep a device's report in place of its last; in what it deviates from what is wanted.

    The log hears of deviations that began or ended since the last report, and of nothing else.
    Raises NotAuthenticated when the device was revoked meanwhile.
    """
    # A revocation comes before it, and is seen, or after it, and takes the report away.
    lock_organisation(shared=True)
    device = (
        Device.objects.select_related("membership")
        .filter(id=device_id, status=DeviceStatus.APPROVED)
        .first()
    )
    if device is None:
        raise NotAuthenticated
    posture, _ = Posture.objects.update_or_create(
        organisation_id=current_organisation_id(),
        device_id=device_id,
        defaults={
            **asdict(report),
            "app_version": list(report.app_version),
            "reported_on": clock.now().date(),
        },
    )
    now = reported([device_id])[device_id].deviations
    began = [one for one in now if one not in posture.recorded]
    ended = [one for one in map(Deviation, posture.recorded) if one not in now]
    target, subject = device_ref(device), membership_ref(device.membership)
    if began:
        deviated = events.PostureDeviated(deviations=[one.value for one in began])
        record(deviated, target=target, subject=subject)
    if ended:
        corrected = events.PostureCorrected(deviations=[one.value for one in ended])
        record(corrected, target=target, subject=subject)
    if began or ended:
        posture.recorded = list(now)
        posture.save(update_fields=["recorded"])
    return now
