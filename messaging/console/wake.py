"""Wake a device now, from the reachability page."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from keys.selectors.health import device
from messaging.services.wakeups import wake_now
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class DeviceWakeView(ConsoleView):
    """One push, asked for by hand; back to the list."""

    requires = Permission.DEVICES_REPORT_LOST

    def post(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        """Have it woken; `?tab=` says which list. Raises NotFound, WakeUpsOff, PushTokenMissing."""
        found = device(device_id)
        wake_now(device_id=found.id)
        tab = request.GET.get("tab", "")
        messages.success(request, f"{found.name} of {found.membership.name} is being woken.")
        return HttpResponseRedirect(f"{self.link('reachability')}?{urlencode({'tab': tab})}")
