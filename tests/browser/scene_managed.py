"""What the organisation wants of the app, and devices that do it, don't, and never said."""

from keys.services.posture import PostureReport, report_posture
from orgs.managed_app import ManagedApp
from orgs.services.managed_app import change_managed_app
from semafore.kernel.app_version import version_of
from tests.browser.scene import Scene


def add_postures(scene: Scene) -> None:
    """Bob's phone keeps to it, the tablet doesn't, and Alice's phone is silent."""
    with scene.by("alice"):
        change_managed_app(
            settings=ManagedApp(
                backup_allowed=False,
                clipboard_allowed=False,
                min_app_version="1.4.0",
                lock_after_minutes=10,
            )
        )
        for key, app, system, kept in (
            ("bob", "1.4.2", "17.4.1", True),
            ("tablet", "1.2.0", "14", False),
        ):
            report_posture(
                device_id=scene.devices[key].id,
                report=PostureReport(
                    app_version=version_of(app),
                    os_version=system,
                    passcode_set=True,
                    encrypted=True if kept else None,
                    managed=kept,
                    config_version=2 if kept else 0,
                    backup_allowed=not kept,
                    screenshots_allowed=True,
                    clipboard_allowed=False,
                    lock_after_minutes=5 if kept else 30,
                    wipe_on_revocation=True,
                ),
            )
