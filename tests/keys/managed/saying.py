"""Wishes of organisations, and reports of devices."""

from typing import Any

import httpx
from django.conf import settings as django_settings

from orgs.managed_app import ManagedApp
from orgs.models import Organisation
from orgs.services.managed_app import change_managed_app
from semafore.wsgi import application
from tests.cast import Phone, inside

STRICT = {
    "backup_allowed": False,
    "screenshots_allowed": False,
    "clipboard_allowed": False,
    "min_app_version": "0.10.0",
    "lock_after_minutes": 5,
    "wipe_on_revocation": True,
}
KEEPS_TO_IT: dict[str, Any] = {
    "app_version": "0.10.0",
    "os_version": "17.4.1",
    "passcode_set": True,
    "encrypted": True,
    "managed": True,
    "config_version": 2,
    "in_force": {
        "backup_allowed": False,
        "screenshots_allowed": False,
        "clipboard_allowed": False,
        "lock_after_minutes": 5,
        "wipe_on_revocation": True,
    },
}
"""A report with which nobody finds fault, whatever they want."""


def want(of: Organisation, **settings: Any) -> None:
    """The organisation wants exactly this."""
    with inside(of):
        change_managed_app(settings=ManagedApp(**settings))


def posture(**changed: Any) -> dict[str, Any]:
    """The good report, but for these; settings in force by their own names."""
    in_force = KEEPS_TO_IT["in_force"]
    return {
        **KEEPS_TO_IT,
        "in_force": in_force | {name: changed[name] for name in changed if name in in_force},
    } | {name: changed[name] for name in changed if name not in in_force}


def report(by: Phone, **changed: Any) -> list[str]:
    """Report it; in what the server says that the device deviates."""
    answer = by.api._send("PUT", "posture", posture(**changed))
    deviations: list[str] = answer["deviations"]
    return deviations


def ask(by: Phone, path: str, **headers: str) -> httpx.Response:
    """GET with the device's token."""
    with httpx.Client(transport=httpx.WSGITransport(app=application)) as client:
        bearer = {"Authorization": f"Bearer {by.api.token()}"}
        return client.get(f"{django_settings.BASE_URL}/api/mobile/{path}", headers=bearer | headers)
