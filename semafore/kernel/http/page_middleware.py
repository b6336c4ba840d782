"""Middleware that only pages need; the API passes by it (measured: a sixth of a claim)."""

from typing import Any

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django_htmx.middleware import HtmxMiddleware

API = "/api/"


class PagesOnly:
    """Mixed into a middleware class: requests to the API go straight to the next in line."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        """The middleware's own, unless it is the API."""
        if request.path_info.startswith(API):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]  # of the class it is mixed into


class PolicyMiddleware(PagesOnly, CSPMiddleware):
    """Content-Security-Policy."""


class PageSessionMiddleware(PagesOnly, SessionMiddleware):
    """`request.session`."""


class PageAuthenticationMiddleware(PagesOnly, AuthenticationMiddleware):
    """`request.user`."""


class PageMessageMiddleware(PagesOnly, MessageMiddleware):
    """What a page has to say on the next one."""


class PageHtmxMiddleware(PagesOnly, HtmxMiddleware):
    """`request.htmx`."""
