"""One line and one count a request: which route, how it ended, how long it took."""

import logging
from time import perf_counter
from typing import Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from semafore.kernel.http.middleware import GetResponse
from semafore.kernel.logs import ACCESS, organisations_entered
from semafore.kernel.metrics import COUNTED

logger = logging.getLogger(ACCESS)

KINDS: Final = (
    ("api/mobile/key-bundles/<uuid:device_id>/claim", "claim"),
    ("api/mobile/key-bundles/claim", "bulk_claim"),
    ("api/mobile/rooms/<uuid:room_id>/messages", "send"),
    ("api/mobile/", "device"),
    ("api/audit/", "audit"),
    ("console/", "console"),
    ("operator/", "operator"),
    ("", "other"),
)
"""Routes by what they begin with, and what they count as: few, since each is a dozen series."""

REQUESTS = Counter(
    "semafore_requests",
    "Requests answered, by kind of route and status.",
    ("kind", "status"),
    registry=COUNTED,
)
SECONDS = Histogram(
    "semafore_request_seconds",
    "Time from the first middleware to the answer, by kind of route.",
    ("kind",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=COUNTED,
)


def kind_of(route: str) -> str:
    """What a route counts as."""
    return next(kind for start, kind in KINDS if route.startswith(start))


class AccessMiddleware:
    """The only line of a request that went well; servers' own access logs are off."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Measure; Django turns whatever a view raises into an answer before it comes here."""
        began = perf_counter()
        with organisations_entered() as entered:
            response = self.get_response(request)
        seconds = perf_counter() - began
        # The pattern, not the path, which holds ids and whatever else somebody types.
        match = request.resolver_match
        route = match.route if match else "-"
        kind = kind_of(route)
        REQUESTS.labels(kind, response.status_code).inc()
        SECONDS.labels(kind).observe(seconds)
        line = {
            "method": request.method,
            "route": route,
            "status": response.status_code,
            "milliseconds": round(seconds * 1000, 1),
        }
        # A page about a person's organisations enters several: it is none's.
        if len(entered) == 1:
            (organisation,) = entered
            line["organisation"] = str(organisation)
        logger.info("request", extra=line)
        return response
