"""Django's admin site, behind the same sign-in as the console, for operators alone."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, reverse
from django.utils.http import urlencode

from orgs.console.sign_in import SignOutView
from semafore.kernel.actor import OPERATOR_LABEL, Actor, ActorKind, acting_as
from semafore.kernel.http.console import proven_lately
from semafore.kernel.http.handler import CHANGING
from semafore.kernel.http.views import origin_of
from semafore.kernel.permissions import Access


def operator_of(request: HttpRequest) -> Actor:
    """The operator as events name them: an organisation's log says no more than that it was one."""
    origin = origin_of(request)
    return Actor(
        kind=ActorKind.OPERATOR,
        id=request.user.pk,
        label=OPERATOR_LABEL,
        address=origin.address,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
    )


class OperatorSite(AdminSite):
    """Registers organisations; neither accounts nor second factors."""

    site_header = site_title = "SemaFore operator"
    index_title = "Platform"
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        """Signed in, which takes both factors, and an operator."""
        user = request.user
        return bool(user.is_authenticated and user.is_active and user.is_operator)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Strangers sign in as everybody does; who is no operator finds nothing here."""
        del extra_context
        home = reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return HttpResponseRedirect(home)
        if request.user.is_authenticated:
            return HttpResponseRedirect(reverse("consoles"))
        return _and_then("sign_in", home)

    def logout(  # type: ignore[override]  # no page of the admin's own
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """As from the console."""
        del extra_context
        return SignOutView.as_view()(request)

    def password_change(  # type: ignore[override]  # the same
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """On the person's own page."""
        del request, extra_context
        return HttpResponseRedirect(reverse("password_change"))

    login.requires = logout.requires = Access.PUBLIC  # type: ignore[attr-defined]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Django's check, then the operator acts; changes ask for the factor again."""

        @wraps(view)
        def acting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            changes = request.method in CHANGING and view != self.logout
            if changes and not proven_lately(request):
                return _and_then("step_up", request.get_full_path())
            with acting_as(operator_of(request)):
                return view(request, *args, **kwargs)

        return super().admin_view(acting, cacheable)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's, each declaring what it needs, as every view here does."""
        urls: list[URLPattern | URLResolver] = super().get_urls()
        _declare(urls)
        return urls


def _declare(patterns: list[Any]) -> None:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            _declare(pattern.url_patterns)
        elif not hasattr(pattern.callback, "requires"):
            pattern.callback.requires = Access.OPERATOR


def _and_then(name: str, address: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': address})}")


SITE = OperatorSite(name="operator")
