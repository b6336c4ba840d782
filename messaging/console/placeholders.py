"""Stand in for the read pages `room` and `party` until those are merged."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class Placeholder(ConsoleView):
    """A page with nothing but messages."""

    requires = Permission.PEOPLE_READ
    title = "Not merged yet"

    def get(self, request: HttpRequest, **ids: UUID) -> HttpResponse:
        """The empty page."""
        del ids
        return self.page(request, "console/base.html")
