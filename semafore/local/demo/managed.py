"""What the organisation wants of the app, and what its devices say that they do."""

from keys.models import DeviceStatus
from keys.services.posture import PostureReport, report_posture
from orgs.managed_app import ManagedApp
from orgs.services.managed_app import change_managed_app
from semafore.kernel.actor import acting_as
from semafore.kernel.app_version import version_of
from semafore.local.demo.characters import Habit
from semafore.local.demo.town import LoadedDevice, Town

WANTED = ManagedApp(
    backup_allowed=False, clipboard_allowed=False, min_app_version="1.0.0", lock_after_minutes=10
)
SYSTEMS = {"ios": "18.5", "android": "15", "desktop": "10.0.22631"}


def look_after_devices(town: Town, day: int) -> None:
    """On one day the owner decides; lively devices keep to it, and one that is low does not."""
    if day != town.story.managed:
        return
    with acting_as(town.owner):
        change_managed_app(settings=WANTED)
    for one in town.devices:
        if one.story.habit in (Habit.LIVELY, Habit.LOW) and _approved(one):
            with acting_as(one.actor):
                report_posture(device_id=one.device.id, report=_report(one))


def _approved(one: LoadedDevice) -> bool:
    one.device.refresh_from_db()
    return one.device.status == DeviceStatus.APPROVED


def _report(one: LoadedDevice) -> PostureReport:
    keeps_to_it = one.story.habit is Habit.LIVELY
    return PostureReport(
        app_version=version_of("1.4.2" if keeps_to_it else "1.1.0"),
        os_version=SYSTEMS[one.device.platform],
        passcode_set=True,
        encrypted=True,
        managed=keeps_to_it,
        config_version=2 if keeps_to_it else 0,
        backup_allowed=not keeps_to_it,
        screenshots_allowed=True,
        clipboard_allowed=False,
        lock_after_minutes=5 if keeps_to_it else 30,
        wipe_on_revocation=True,
    )
