"""Reports of screenshots."""

from django.db.models import QuerySet

from messaging.models import ScreenshotReport
from orgs.selectors.members import matching


def screenshot_reports(*, text: str = "", room: str = "") -> QuerySet[ScreenshotReport]:
    """The reports that fit: by whom (name or number), in which room; with everybody named."""
    found = ScreenshotReport.objects.select_related("room", "membership", "device")
    if text:
        found = found.filter(matching(text, "membership__"))
    return found.filter(room__name__istartswith=room) if room else found
