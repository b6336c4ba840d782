"""Every exception of a view as a problem: a document for programs, a page for people."""

import logging
import math
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.request import Request

from semafore.kernel import hooks, problems
from semafore.kernel.actor import ActorKind, current_actor
from semafore.kernel.logs import request_id_var
from semafore.kernel.problems import Problem

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
PAGES = ("/console/", "/operator/", "/i/")
"""Below these a problem is a page."""

REFUSALS = {problems.NotPermitted.status, problems.NotFound.status}
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def problem_response(exc: Exception, context: dict[str, Any]) -> JsonResponse:
    """DRF's exception handler: answers, and has the denied attempt counted."""
    problem = as_problem(exc)
    _count_denial(problem, context["request"], context["kwargs"])
    headers = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == problems.NotAuthenticated.status:
        headers["WWW-Authenticate"] = "Bearer"
    # Not through the view's renderer: a problem is JSON whatever was asked for, and Django's JSON
    # writes even a lone surrogate, which a client can put into a field's name.
    return JsonResponse(
        problem.body(request_id_var.get()),
        status=problem.status,
        headers=headers,
        content_type=CONTENT_TYPE,
    )


def _count_denial(problem: Problem, request: Request, arguments: dict[str, Any]) -> None:
    """Tell the audit log of a refused change by somebody known, or of what a service described."""
    known = current_actor().kind is not ActorKind.ANONYMOUS
    refused_change = known and problem.status in REFUSALS and request.method in CHANGING
    if problem.denial is None and not refused_change:
        return
    match = request.resolver_match
    targets = [value for value in arguments.values() if isinstance(value, UUID)]
    hooks.attempt_denied(
        hooks.AttemptDenied(
            act=f"{request.method} /{match.route if match else ''}",
            reason=problem.code,
            target_id=targets[0] if targets else None,
            denial=problem.denial,
        )
    )


ANSWERS: tuple[tuple[tuple[type[Exception], ...], type[Problem]], ...] = (
    ((Http404, exceptions.NotFound), problems.NotFound),
    ((exceptions.MethodNotAllowed,), problems.MethodNotAllowed),
    ((exceptions.UnsupportedMediaType,), problems.MediaTypeUnsupported),
    ((exceptions.NotAcceptable,), problems.NotAcceptable),
    ((RequestDataTooBig,), problems.BodyTooLarge),
    ((PermissionDenied, exceptions.PermissionDenied), problems.NotPermitted),
)


def as_problem(exc: Exception) -> Problem:
    """The problem that an exception means to the client; unknown ones are logged as our fault."""
    for kinds, problem in ANSWERS:
        if isinstance(exc, kinds):
            return problem()
    match exc:
        case Problem():
            return exc
        case exceptions.ValidationError():
            return problems.Invalid(errors=list(_flatten(exc.get_full_details())))
        case exceptions.Throttled():
            wait: float | None = getattr(exc, "wait", None)
            return problems.Throttled(retry_after=max(1, math.ceil(wait or 1)))
        case OperationalError() | InterfaceError() | PoolTimeout():
            logger.warning("database not available: %s", type(exc).__name__, exc_info=exc)
            return problems.Unavailable(retry_after=2)
        case _:
            logger.error("unhandled exception", exc_info=exc)
            return problems.ServerError()


def _flatten(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested error details as a flat list of field, code, detail."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {"field": path, "code": details["code"], "detail": str(details["message"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            if name == "non_field_errors":
                yield from _flatten(inner, path)
            elif isinstance(name, int):
                yield from _flatten(inner, f"{path}[{name}]")
            else:
                yield from _flatten(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(details, list):
        # A list of errors of one field, or one (possibly empty) entry for each item of a list.
        items = any(isinstance(inner, dict) and "message" not in inner for inner in details)
        for index, inner in enumerate(details):
            yield from _flatten(inner, f"{path}[{index}]" if items else path)


def _answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A problem outside any view: a page where people look, a document where programs do."""
    if request.path == "/" or request.path.startswith(PAGES):
        return problem_page(request, problem)
    response = JsonResponse(
        problem.body(request_id_var.get()), status=problem.status, content_type=CONTENT_TYPE
    )
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    return response


def problem_page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The page of a problem; it reads nothing from the database, which may be what is away."""
    context = {
        "title": problem.title.removesuffix("."),
        "problem": problem,
        "request_id": request_id_var.get(),
    }
    response = render(request, "errors/problem.html", context, status=problem.status)
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: a path that no route has. Django passes `exception` by name."""
    del exception
    return _answer(request, problems.NotFound())


def not_permitted(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403: a refusal outside our base views."""
    del exception
    return _answer(request, problems.NotPermitted())


def form_expired(request: HttpRequest, reason: str) -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW. `reason` is for developers; Django has logged it."""
    del reason
    return _answer(request, problems.FormExpired())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a fault outside the API views."""
    return _answer(request, problems.ServerError())


def body_too_large(request: HttpRequest) -> HttpResponse:
    """A request whose body is not even read."""
    return _answer(request, problems.BodyTooLarge())


def closed(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Any request while the server is closed (`kernel.closing`)."""
    return _answer(request, problem)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a request that Django itself refuses."""
    del exception
    return _answer(request, problems.Malformed())
