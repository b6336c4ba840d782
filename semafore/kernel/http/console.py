"""Base views of the console: sign-in, organisation, permission, second factor."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode
from uuid import UUID

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_resolver, get_urlconf, reverse
from django.views import View

from semafore.kernel import clock, hooks
from semafore.kernel.actor import Actor, ActorKind, acting_as, current_actor
from semafore.kernel.http.handler import CHANGING, REFUSALS, as_problem, problem_page
from semafore.kernel.http.views import origin_of
from semafore.kernel.permissions import Access, Permission, Requirement
from semafore.kernel.problems import Malformed, NotFound, NotPermitted, Problem
from semafore.kernel.tenancy import organisation_scope

PROVEN_AT = "proven_at"
"""Session key: when the second factor was last given, in seconds since the epoch."""

STEP_UP_AFTER = timedelta(minutes=15)


class Seat(Protocol):
    """The signed-in person's place in the organisation of the address (`request.seat`)."""

    @property
    def organisation_id(self) -> UUID:
        """The one organisation of the request."""

    @property
    def slug(self) -> str:
        """Its name in addresses."""

    @property
    def membership_id(self) -> UUID:
        """Who the person is there."""

    @property
    def former(self) -> frozenset[UUID]:
        """Their memberships there from other times."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do there."""

    def actor(self, origin: Actor) -> Actor:
        """The acting person, with the origin's address, agent and request id."""


def _refuse_nul(request: HttpRequest) -> None:
    """No field of any page holds NUL, and PostgreSQL takes no text with it. Raises Malformed."""
    fields = (*request.GET.lists(), *request.POST.lists())
    if any("\0" in text for name, values in fields for text in (name, *values)):
        raise Malformed(detail="A field holds a character that no text has.")


class PageView(View):
    """A page for anybody: the actor is known by their address alone. Refusals become pages."""

    requires: ClassVar[Requirement] = Access.PUBLIC
    title: str = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Django's dispatch, inside the scope and the actor that `enter` enters.

        Pages are of a person, and some hold secrets: nothing keeps them, nor the browser's history.
        """
        with ExitStack() as self.entered:
            self.entered.enter_context(acting_as(origin_of(request)))
            try:
                _refuse_nul(request)
                response = self.enter(request) or super().dispatch(request, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is becomes a page
                response = self.refused(request, as_problem(error), kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Enter what the view needs; an answer instead of it sends the person elsewhere first."""
        del request
        return None

    def page(
        self,
        request: HttpRequest,
        template: str,
        context: dict[str, Any] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Render within the scope."""
        return render(request, template, {"title": self.title, **(context or {})}, status=status)

    def refused(
        self, request: HttpRequest, problem: Problem, arguments: dict[str, Any]
    ) -> HttpResponse:
        """The page of a problem; a refused change by somebody known is counted."""
        known = current_actor().kind is not ActorKind.ANONYMOUS
        change = known and problem.status in REFUSALS and request.method in CHANGING
        if change or problem.denial is not None:
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
        return problem_page(request, problem)


class AccountView(PageView):
    """A page of the signed-in person about themselves, in no organisation."""

    requires: ClassVar[Requirement] = Access.SIGNED_IN
    sensitive: ClassVar[bool] = False
    """Asks for the second factor again when it was last given over 15 minutes ago."""

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Send strangers to the sign-in page, and who must prove themselves again to step up."""
        if not request.user.is_authenticated:
            return _with_next("sign_in", request)
        if self.sensitive and not proven_lately(request):
            return _with_next("step_up", request)
        return None


class ConsoleView(AccountView):
    """A page at `/console/<slug>/…`, within that organisation."""

    requires_to_change: ClassVar[Permission | None] = None
    """What a POST needs beyond `requires`."""

    seat: Seat

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Enter the organisation; 404 for whoever has no seat there, 403 without the permission."""
        if not request.user.is_authenticated:
            return _with_next("sign_in", request)
        seat: Seat | None = request.seat  # type: ignore[attr-defined]  # SeatMiddleware sets it
        if seat is None:
            raise NotFound
        self.seat = seat
        self.entered.enter_context(organisation_scope(seat.organisation_id))
        self.entered.enter_context(acting_as(seat.actor(current_actor())))
        needed = {self.requires}
        if request.method in CHANGING and self.requires_to_change is not None:
            needed.add(self.requires_to_change)
        if not needed <= seat.permissions:
            raise NotPermitted
        return super().enter(request)

    def link(self, name: str, *args: Any, **kwargs: Any) -> str:
        """The address of another page of this console."""
        if args:
            return reverse(name, args=[self.seat.slug, *args])
        return reverse(name, kwargs={"slug": self.seat.slug, **kwargs})

    @contextmanager
    def refusals(self, form: BaseForm, field: str | None = None) -> Iterator[None]:
        """A service's refusal becomes the form's error, so that what was typed stays.

        Not those that say "not yours" or "not allowed": they remain pages, and are counted.
        """
        try:
            yield
        except Problem as problem:
            if problem.status in REFUSALS:
                raise
            form.add_error(field, problem.detail)


def page_exists(name: str) -> bool:
    """Whether a route has this name; Django builds the table once."""
    return name in get_resolver(get_urlconf()).reverse_dict


def proven_lately(request: HttpRequest) -> bool:
    """Whether the second factor was given within the last 15 minutes."""
    proven_at: float = request.session.get(PROVEN_AT, 0.0)
    return clock.now().timestamp() - proven_at < STEP_UP_AFTER.total_seconds()


def _with_next(name: str, request: HttpRequest) -> HttpResponse:
    # What was about to be sent is lost on the way; the page it was sent from is where to return.
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': request.get_full_path()})}")
