"""Which organisation a console address is about, and what the signed-in person may do there."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from orgs.selectors.seats import find_seat

GetResponse = Callable[[HttpRequest], HttpResponse]


class SeatMiddleware:
    """Sets `request.seat` for `/console/<slug>/…`: None for strangers, who then get 404."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing but the next in line."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]
    ) -> None:
        """Take the slug out of the view's arguments: views know `request.seat` alone."""
        slug = kwargs.pop("slug", None)
        if slug is not None:
            user = request.user
            request.seat = find_seat(user, slug) if user.is_authenticated else None  # type: ignore[attr-defined]
