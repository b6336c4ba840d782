"""One box."""

from django.http import HttpRequest, HttpResponse

from console.selectors.search import LEAST_LETTERS, LIMIT, find
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission

LONGEST = 200


class SearchView(ConsoleView):
    """Whatever has a name, a number or an id, by what an administrator has at hand."""

    requires = Permission.PEOPLE_READ
    title = "Search"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the box, and what the words in the address find."""
        traffic = Permission.AUDIT_READ_TRAFFIC in self.seat.permissions
        words = request.GET.get("q", "").strip()[:LONGEST]
        context = {
            "words": words,
            "found": find(words, traffic=traffic) if words else None,
            "limit": LIMIT,
            "least_letters": LEAST_LETTERS,
        }
        return self.page(request, "console/search.html", context)
