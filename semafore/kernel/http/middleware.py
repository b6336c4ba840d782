"""Middleware: the request id, closures, bodies to their end, the oldest version of the app."""

from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout

from semafore.kernel.app_version import version_of, version_of_agent
from semafore.kernel.closing import CLOSING
from semafore.kernel.http.handler import body_too_large, closed
from semafore.kernel.logs import request_id_var
from semafore.kernel.problems import ClientTooOld, Unavailable

GetResponse = Callable[[HttpRequest], HttpResponse]

DEVICES = "/api/mobile/"
ALWAYS_OPEN = ("/healthz", "/readyz", "/metrics", "/operator/", "/static/")
"""Below these nothing is ever closed."""
OPERATORS_WAY_IN = ("/console/sign-in/", "/console/sign-out/", "/console/step-up/")
"""Whoever signs in here meanwhile finds everything else closed; operators end the closure.

With the slash that ends the name: an organisation's may begin like it.
"""
AWAY = (OperationalError, InterfaceError, PoolTimeout)

CHUNK_BYTES = 64 * 1024


def announced_length(request: HttpRequest) -> int:
    """Bytes of the body, by its header."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0


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


class ClosedMiddleware:
    """503 while the server is closed, to devices or to everybody but operators and monitoring."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Where the database can't say whether it is closed, a page's view will answer for that.

        A device is told to come back: by the time of its view the database may be another one. Its
        connection is there before the answer is asked for, and so is to the same database.
        """
        if f"{request.path}/".startswith((*ALWAYS_OPEN, *OPERATORS_WAY_IN)):
            return self.get_response(request)
        device = request.path.startswith(DEVICES)
        try:
            if device:
                connection.ensure_connection()
            closure = CLOSING.closure()
        except AWAY:
            if device:
                return closed(request, Unavailable(retry_after=2))
            return self.get_response(request)
        if closure and (closure.everybody or device):
            return closed(request, closure.answer())
        return self.get_response(request)


class WholeBodyMiddleware:
    """Reads what the view left of the body, such as one that refuses the token before it looks.

    The server would close with it unread, and nginx, still sending, never see the answer.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Of what is longer than it may be, nothing."""
        response = self.get_response(request)
        if announced_length(request) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            with suppress(OSError):  # the client went
                while request.read(CHUNK_BYTES):
                    pass
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
        if announced_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return body_too_large(request)
        return self.get_response(request)


class ClientVersionMiddleware:
    """426 on the device API for an app older than MIN_APP_VERSION; other agents pass."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.least = version_of(settings.MIN_APP_VERSION)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Compare the version in the `User-Agent`."""
        if request.path.startswith(DEVICES):
            version = version_of_agent(request.headers.get("User-Agent", ""))
            if version is not None and version < self.least:
                problem = ClientTooOld(min_app_version=settings.MIN_APP_VERSION)
                return JsonResponse(
                    problem.body(request_id_var.get()),
                    status=problem.status,
                    content_type="application/problem+json",
                )
        return self.get_response(request)
