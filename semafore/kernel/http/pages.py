"""What somebody sees who opens the address in a browser."""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers
from django.views.debug import SafeExceptionReporterFilter

from semafore.kernel.permissions import Access

INDEX = """\
SemaFore server

  console         {base_url}/console/
  device API      {base_url}/api/mobile/   (described at {base_url}/api/schema/)
  device socket   {events_url}
  state           {base_url}/readyz
"""


def index(request: HttpRequest) -> HttpResponse:
    """The console for a browser; for a terminal, where to go from here."""
    # `*/*` alone, as of curl, prefers nothing and gets the first.
    if request.get_preferred_type(["text/plain", "text/html"]) == "text/html":
        response: HttpResponse = redirect("consoles")
    else:
        text = INDEX.format(base_url=settings.BASE_URL, events_url=settings.EVENTS_URL)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    patch_vary_headers(response, ["Accept"])
    return response


index.requires = Access.PUBLIC  # type: ignore[attr-defined]


class ReporterFilter(SafeExceptionReporterFilter):
    """Keeps addresses of servers, which carry passwords, out of DEBUG's error pages too."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|_URL|DATABASES", re.IGNORECASE
    )
