"""Whom nothing reaches, or soon won't: people, keys, pushes, mail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from messaging.selectors.reachability import (
    expiring_mail,
    failing_pushes,
    lapsing_keys,
    people_without_device,
    waiting_envelopes,
    wakeable,
)
from semafore.kernel import clock
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission

COUNTED = 100
"""A tab counts so far."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A list of the page: in which order, and what its rows are made of."""

    label: str
    found: Callable[[], QuerySet[Any]]
    by: tuple[str, ...]
    rows: Callable[[list[Any]], list[Any]]
    device: str = ""
    """The field that says which device a row is about; empty where it is about none."""


def _as_they_are(found: list[Any]) -> list[Any]:
    return found


def _with_expiry(keys: list[Any]) -> list[Any]:
    now = clock.now()
    ends = [(key, key.uploaded_at + settings.SPK_MAX_AGE) for key in keys]
    return [(key, expires_at, expires_at <= now) for key, expires_at in ends]


def _with_waiting(devices: list[Any]) -> list[Any]:
    waiting = waiting_envelopes(devices)
    return [
        (device, waiting.get(device.id, 0), device.oldest + settings.ENVELOPE_MAX_AGE)
        for device in devices
    ]


TABS = {
    "people": Tab("Without a device", people_without_device, ("name", "id"), _as_they_are),
    "keys": Tab(
        "Keys lapsing", lapsing_keys, ("uploaded_at", "device_id"), _with_expiry, "device_id"
    ),
    "pushes": Tab(
        "Pushes failing", failing_pushes, ("-failed_at", "-device_id"), _as_they_are, "device_id"
    ),
    "mail": Tab("Mail expiring", expiring_mail, ("oldest", "id"), _with_waiting, "id"),
}


class ReachabilityView(ConsoleView):
    """Four lists, of each how many, and one of them in full."""

    requires = Permission.PEOPLE_READ
    title = "Reachability"

    def get(self, request: HttpRequest) -> HttpResponse:
        """One tab of it."""
        name = request.GET.get("tab", "people")
        if name not in TABS:
            name = "people"
        tab = TABS[name]
        page = paginate(tab.found(), by=tab.by, cursor=request.GET.get("cursor"))
        may_wake = Permission.DEVICES_REPORT_LOST in self.seat.permissions
        context = {
            "tab": name,
            "tabs": [
                (key, one.label, one.found().order_by()[:COUNTED].count())
                for key, one in TABS.items()
            ],
            "counted": COUNTED,
            "page": page,
            "rows": tab.rows(page.rows),
            "may_wake": may_wake,
            "wakeable": wakeable([getattr(row, tab.device) for row in page.rows])
            if tab.device
            else (),
        }
        return self.page(request, "console/reachability/list.html", context)
