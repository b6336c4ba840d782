"""Pages of devices and their keys."""

import base64
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from keys.forms import DeviceFilterForm, LostForm, RevocationForm
from keys.models import Device, RevocationReason
from keys.selectors.health import device, devices, reports
from keys.services.revocation import LIVE, revoke_device
from orgs.selectors.settings import managed_config
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.names import called
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission

BY_PERSON = ("membership__name", "membership_id", "id")


class DevicesView(ConsoleView):
    """Every device with its key health, by person."""

    requires = Permission.PEOPLE_READ
    title = "Devices"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        form = DeviceFilterForm(request.GET)
        found = devices(**form.cleaned_data) if form.is_valid() else Device.objects.none()
        cursor = request.GET.get("cursor")
        page = paginate(found, by=BY_PERSON, cursor=cursor)
        context = {
            "form": form,
            "page": page,
            "reports": reports(page.rows),
            "filtered": bool(request.GET),
        }
        return self.page(request, "console/devices/list.html", context)


class DeviceView(ConsoleView):
    """All that is known of one device."""

    requires = Permission.PEOPLE_READ

    def get(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        """The device. Raises NotFound."""
        found = device(device_id)
        may = self.seat.permissions
        context = {
            "title": called(found),
            "device": found,
            "report": reports([found])[0],
            "identity_key": base64.b64encode(found.identity_key).decode(),
            "may_audit": Permission.AUDIT_READ in may,
            "may_revoke": found.status in LIVE and Permission.DEVICES_MANAGE in may,
            "may_report_lost": found.status in LIVE and Permission.DEVICES_REPORT_LOST in may,
        }
        return self.page(request, "console/devices/device.html", context)


class DeviceDecisionView(DecisionView):
    """The end of a device; back to its page."""

    danger = True

    def subject(self, **ids: UUID) -> Device:
        """The device. Raises NotFound."""
        return device(ids["device_id"])

    def elsewhere(self, subject: Device) -> str:
        """The device's page."""
        return self.link("device", subject.id)

    def consequences(self, subject: Device) -> list[str]:
        """What ends, and what doesn't."""
        return [
            f"{subject.name} of {subject.membership.name}: no access, and disconnected, at once.",
            "Its keys and what waits for it are deleted. This can't be undone.",
            f"Other devices of {subject.membership.name} go on.",
            "A replacement is a new device and receives what is sent from its approval on.",
        ]


class DeviceRevokeView(DeviceDecisionView):
    """Revoke, for a reason that decides whether the content stays on it."""

    requires = Permission.DEVICES_MANAGE
    title = "Revoke {0.name} of {0.membership.name}"
    form_class = RevocationForm
    submit = "Revoke device"

    def consequences(self, subject: Device) -> list[str]:
        """And what becomes of the content."""
        return [
            *super().consequences(subject),
            f"{_wipe()}; in custody it keeps them in any case.",
            "Nobody but the device can read them: the server has never held a key.",
        ]

    def act(self, subject: Device, data: dict[str, Any]) -> str:
        """Raises NotFound, DeviceTransition."""
        revoke_device(device_id=subject.id, reason=RevocationReason(data["reason"]))
        return f"{subject.name} is revoked."


class DeviceLostView(DeviceDecisionView):
    """Report a device lost: the helpdesk may."""

    requires = Permission.DEVICES_REPORT_LOST
    title = "Report {0.name} of {0.membership.name} lost"
    form_class = LostForm
    submit = "Report lost"

    def consequences(self, subject: Device) -> list[str]:
        """And what becomes of the content."""
        return [
            *super().consequences(subject),
            f"{_wipe()}.",
        ]

    def act(self, subject: Device, data: dict[str, Any]) -> str:
        """Raises NotFound, DeviceTransition."""
        del data
        revoke_device(device_id=subject.id, reason=RevocationReason.LOST)
        return f"{subject.name} is reported lost and revoked."


def _wipe() -> str:
    """What becomes of the messages on it, by the organisation's settings of the managed app."""
    if managed_config().settings.wipe_on_revocation:
        return "When it next connects, it deletes the messages on it"
    return "It keeps the messages on it, as the settings of the managed app say"
