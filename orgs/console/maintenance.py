"""Maintenance: what lies ahead, what was, and who of the organisation was told."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from orgs.selectors.maintenance import past_windows, told_of, windows_ahead
from orgs.selectors.members import holders_of
from orgs.selectors.settings import organisation
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission


class MaintenanceView(ConsoleView):
    """All windows, those ahead first."""

    requires = Permission.PEOPLE_READ
    title = "Maintenance"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Both lists, and who is mailed."""
        cursor = request.GET.get("cursor")
        context = {
            "ahead": windows_ahead(),
            "page": paginate(past_windows(), by=("-starts_at", "-id"), cursor=cursor),
            "notice_hours": organisation().sla_notice_hours,
            "mailed": holders_of(Permission.MAINTENANCE_HEAR).exclude(email=""),
        }
        return self.page(request, "console/settings/maintenance.html", context)


class MaintenanceWindowView(ConsoleView):
    """One window."""

    requires = Permission.PEOPLE_READ
    title = "Maintenance window"

    def get(self, request: HttpRequest, window_id: UUID) -> HttpResponse:
        """What was said of it, when, and to whom. Raises NotFound."""
        context = {"told": told_of(window_id)}
        return self.page(request, "console/settings/maintenance_window.html", context)
