"""Reports of screenshots."""

from django.http import HttpRequest, HttpResponse

from messaging.filters import ScreenshotFilterForm
from messaging.models import ScreenshotReport
from messaging.selectors.room_list import titles_of
from messaging.selectors.screenshots import screenshot_reports
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission


class ScreenshotsView(ConsoleView):
    """Who took one, in which room, when; the latest report first."""

    requires = Permission.PEOPLE_READ
    title = "Screenshot reports"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        form = ScreenshotFilterForm(request.GET)
        found = (
            screenshot_reports(**form.cleaned_data)
            if form.is_valid()
            else ScreenshotReport.objects.none()
        )
        page = paginate(found, by=("-reported_at", "-id"), cursor=request.GET.get("cursor"))
        titles = titles_of([report.room for report in page.rows])
        context = {
            "form": form,
            "page": page,
            "rows": [(report, titles[report.room_id]) for report in page.rows],
            "filtered": bool(request.GET),
        }
        return self.page(request, "console/screenshots/list.html", context)
