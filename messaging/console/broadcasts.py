"""The history of broadcasts. The console can't send one: it holds no keys."""

from django.http import HttpRequest, HttpResponse

from messaging.selectors.broadcast_list import broadcast_rows, broadcasts
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission

ON_A_PAGE = 20
"""Each has a delivery per device of the organisation, which are counted."""


class BroadcastsView(ConsoleView):
    """Who sent one, when, whom it reached; newest first."""

    requires = Permission.PEOPLE_READ
    title = "Broadcasts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        page = paginate(
            broadcasts(),
            by=("-started_at", "-id"),
            cursor=request.GET.get("cursor"),
            limit=ON_A_PAGE,
        )
        context = {"page": page, "rows": broadcast_rows(page.rows)}
        return self.page(request, "console/broadcasts/list.html", context)
