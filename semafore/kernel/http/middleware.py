"""Middleware: the request id, the longest body, the least supported version of the app."""

import re
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from semafore.kernel.http.handler import body_too_large
from semafore.kernel.logs import request_id_var
from semafore.kernel.problems import ClientTooOld

GetResponse = Callable[[HttpRequest], HttpResponse]

APP_USER_AGENT = re.compile(r"^SemaFore/(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?\b")


class RequestIdMiddleware:
    """Names each request; the answer, the log lines and the events carry the name."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set the id for the time of the request."""
        request_id = str(uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]  # for Django's own log lines
        token = request_id_var.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            request_id_var.reset(token)
        response["X-Request-ID"] = request_id
        return response


class BodyLimitMiddleware:
    """413 by the length that is announced; without one, WSGI reads no body at all.

    Django's own limit leaves files out, and it would write them to the disk for anybody who sends
    a form: they are read for the CSRF token, before any view is asked.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at `Content-Length`, which the server has checked."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return body_too_large(request)
        return self.get_response(request)


class ClientVersionMiddleware:
    """426 on the device API for an app older than MIN_APP_VERSION; other agents pass."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.least = tuple(int(part) for part in settings.MIN_APP_VERSION.split("."))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Compare the version in the `User-Agent`."""
        if request.path.startswith("/api/mobile/"):
            match = APP_USER_AGENT.match(request.headers.get("User-Agent", ""))
            if match and tuple(int(part) for part in match.groups("0")) < self.least:
                problem = ClientTooOld(min_app_version=settings.MIN_APP_VERSION)
                return JsonResponse(
                    problem.body(request_id_var.get()),
                    status=problem.status,
                    content_type="application/problem+json",
                )
        return self.get_response(request)
