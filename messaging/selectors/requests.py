"""What is asked about external rooms, and what became of it."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from messaging.models import (
    NamedGuest,
    NamedMember,
    RequestDecision,
    RequestStatus,
    RoomRequest,
)
from orgs.selectors.members import holders_of
from semafore.kernel.names import called
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

DECIDED = (RequestStatus.APPROVED, RequestStatus.DENIED, RequestStatus.WITHDRAWN)


def _requests() -> QuerySet[RoomRequest]:
    decisions = RequestDecision.objects.select_related("by").order_by("at")
    return RoomRequest.objects.select_related("room__party", "requested_by").prefetch_related(
        Prefetch("decisions", queryset=decisions)
    )


def waiting_requests() -> QuerySet[RoomRequest]:
    """Requests that wait for a decision, the longest waiting first."""
    return _requests().filter(status=RequestStatus.PENDING).order_by("requested_at", "id")


def decided_requests() -> QuerySet[RoomRequest]:
    """Requests that were approved, denied or withdrawn, the latest first."""
    return _requests().filter(status__in=DECIDED).order_by("-decided_at", "-id")


def lapsed_requests() -> QuerySet[RoomRequest]:
    """Requests whose room closed before anybody decided, the latest first."""
    return _requests().filter(status=RequestStatus.LAPSED).order_by("-decided_at", "-id")


def get_request(request_id: UUID) -> RoomRequest:
    """One request with all that it asks for. Raises NotFound."""
    guests = NamedGuest.objects.select_related("membership__party").order_by("name", "id")
    members = NamedMember.objects.select_related("membership").order_by("membership__name")
    found = (
        _requests()
        .select_related("room__parent")
        .prefetch_related(
            Prefetch("guests", queryset=guests), Prefetch("members", queryset=members)
        )
        .filter(id=request_id)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def approvals_of(request: RoomRequest) -> QuerySet[RequestDecision]:
    """The approvals that count: of those who may give one still."""
    managers = holders_of(Permission.ROOMS_MANAGE).order_by()
    return request.decisions.filter(approved=True, by__in=managers)


def decision_in_words(request: RoomRequest) -> str:
    """Who decided what, and when."""
    if request.decided_at is None:
        return "This request waits for its decision."
    when = f"on {request.decided_at:%-d %B %Y at %H:%M} UTC"
    if request.status == RequestStatus.LAPSED:
        return f"This request lapsed with its room {when}."
    if request.status == RequestStatus.WITHDRAWN:
        return f"This request was withdrawn {when}."
    last = request.decisions.select_related("by").order_by("at").last()
    who = called(last.by if last else None, "The server")
    return f"{who} {request.get_status_display().lower()} this request {when}."
