"""`/metrics`: figures for monitoring, in Prometheus' text format. Each app registers its own."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from semafore.kernel.permissions import Access

# Not the library's own: what a process counts for itself says nothing where many answer in turn.
REGISTRY = CollectorRegistry()


def metrics(request: HttpRequest) -> HttpResponse:
    """What the database says now, to whoever has METRICS_TOKEN; 404 while that is not set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


metrics.requires = Access.PUBLIC  # type: ignore[attr-defined]
