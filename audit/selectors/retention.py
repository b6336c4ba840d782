"""Reads of retention: the periods, the holds, and what waits for a second person.

Nobody reads of a hold on themselves that somebody else placed (ADR 0015): for pages there is what
to `exclude`, and one row at a time by its reader.
"""

from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import Hold, RequestStatus, RetentionPeriods, RetentionRequest
from audit.selectors.reading import Reader
from semafore.kernel import clock, hooks
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

PEOPLE_OF_REQUEST = ("requested_by", "decided_by", "hold__person")


def periods() -> RetentionPeriods:
    """The current organisation's periods."""
    return RetentionPeriods.objects.get()


def active_holds(reader: Reader | None = None) -> list[hooks.Hold]:
    """The holds in force, oldest first, as sweeps go by them; of a reader, those they know of."""
    rows = Hold.objects.filter(lifted_at__isnull=True).order_by("placed_at", "id")
    if reader is not None:
        knows = Permission.HOLDS_PLACE in reader.permissions
        rows = rows.exclude(unreadable_holds(reader)) if knows else rows.none()
    return [
        hooks.Hold(
            membership_id=row.person_id,
            room_id=row.room_id,
            from_at=row.from_at,
            until_at=row.until_at,
        )
        for row in rows
    ]


def holds() -> QuerySet[Hold]:
    """All holds, those in force first, then the newest first."""
    rows = Hold.objects.select_related("person", "placed_by")
    return rows.order_by("-lifted_at", "-placed_at", "id")


def hold(hold_id: UUID) -> Hold:
    """One of them, in force or not. Raises NotFound."""
    found = Hold.objects.select_related("person", "placed_by").filter(id=hold_id).first()
    if found is None:
        raise NotFound
    return found


def unreadable_holds(reader: Reader) -> Q:
    """Holds on the reader that somebody else placed: what to `exclude` from a list."""
    others = Q(placed_by__isnull=True) | ~Q(placed_by__in=reader.own)
    return Q(person__in=reader.own) & others


def unreadable_requests(reader: Reader) -> Q:
    """Requests of somebody else about holds on the reader: the same for those."""
    return Q(hold__person__in=reader.own) & ~Q(requested_by__in=reader.own)


def readable_hold(hold_id: UUID, reader: Reader) -> Hold:
    """One of the holds that the reader may know of. Raises NotFound."""
    found = holds().exclude(unreadable_holds(reader)).filter(id=hold_id).first()
    if found is None:
        raise NotFound
    return found


def readable_request(request_id: UUID, reader: Reader) -> RetentionRequest:
    """One of the requests that the reader may know of. Raises NotFound."""
    rows = RetentionRequest.objects.select_related(*PEOPLE_OF_REQUEST)
    found = rows.exclude(unreadable_requests(reader)).filter(id=request_id).first()
    if found is None:
        raise NotFound
    return found


def _waiting() -> Q:
    return Q(status=RequestStatus.PENDING, expires_at__gt=clock.now())


def requests_waiting() -> QuerySet[RetentionRequest]:
    """Requests that can be decided, the oldest first."""
    rows = RetentionRequest.objects.filter(_waiting()).select_related(*PEOPLE_OF_REQUEST)
    return rows.order_by("requested_at", "id")


def requests_decided() -> QuerySet[RetentionRequest]:
    """Requests that were decided, withdrawn or have lapsed, the newest first."""
    rows = RetentionRequest.objects.exclude(_waiting()).select_related(*PEOPLE_OF_REQUEST)
    return rows.order_by("-requested_at", "-id")


def retention_request(request_id: UUID) -> RetentionRequest:
    """One of them. Raises NotFound."""
    rows = RetentionRequest.objects.select_related(*PEOPLE_OF_REQUEST)
    found = rows.filter(id=request_id).first()
    if found is None:
        raise NotFound
    return found
