"""What somebody sees who opens the address in a browser."""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.debug import SafeExceptionReporterFilter

from semafore.kernel.permissions import Access

INDEX = """\
SemaFore server

  device API      {base_url}/api/mobile/   (described at {base_url}/api/schema/)
  device socket   {events_url}
  state           {base_url}/readyz
"""


def index(_request: HttpRequest) -> HttpResponse:
    """Where to go from here."""
    text = INDEX.format(base_url=settings.BASE_URL, events_url=settings.EVENTS_URL)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


index.requires = Access.PUBLIC  # type: ignore[attr-defined]


class ReporterFilter(SafeExceptionReporterFilter):
    """Keeps addresses of servers, which carry passwords, out of DEBUG's error pages too."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|_URL|DATABASES", re.IGNORECASE
    )
