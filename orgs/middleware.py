"""Which organisation a console address is about, and what the signed-in person may do there."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from orgs.selectors.seats import Seat, find_seat
from orgs.services.sessions import enter_console
from semafore.kernel.actor import acting_as
from semafore.kernel.http.views import origin_of
from semafore.kernel.tenancy import organisation_scope

ENTERED = "entered"
"""Session key: the organisations whose console this session has opened."""

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
            seat = find_seat(user, slug) if user.is_authenticated else None
            request.seat = seat  # type: ignore[attr-defined]
            if seat is not None:
                _note_entrance(request, seat)


def _note_entrance(request: HttpRequest, seat: Seat) -> None:
    """Once for each session and organisation, the organisation's log says who came in."""
    entered: list[str] = request.session.get(ENTERED, [])
    if str(seat.organisation_id) in entered:
        return
    with organisation_scope(seat.organisation_id), acting_as(seat.actor(origin_of(request))):
        enter_console()
    request.session[ENTERED] = [*entered, str(seat.organisation_id)]
