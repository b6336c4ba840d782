"""Requests about external rooms: further guests, a later end, and what administrators decide."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from messaging.errors import (
    ApprovalGiven,
    RequestDecided,
    RequestPending,
    RequestTerms,
    RoomClosed,
)
from messaging.events import external as events
from messaging.models import (
    RequestDecision,
    RequestKind,
    RequestStatus,
    Room,
    RoomKind,
    RoomMembership,
    RoomRequest,
    RoomStatus,
)
from messaging.selectors.requests import approvals_of, decision_in_words
from messaging.services.access import (
    acting_host,
    acting_manager,
    managed_room,
    periods_in,
)
from messaging.services.admission import GuestDraft, admit, name_guests, stay_until
from messaging.services.ends import end_room, settle, withdraw
from messaging.services.external import check_end, check_text, record_asking
from messaging.services.periods import begin_periods, end_period, room_ref
from orgs.errors import OwnRequest
from orgs.models import Membership, Policy
from orgs.selectors.members import present_members
from semafore.kernel import clock
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import lock_organisation

WITHDRAWN = "The request was withdrawn."
DENIED = "The request was denied."


@transaction.atomic
def request_guests(*, room_id: UUID, guests: Sequence[GuestDraft], reason: str) -> RoomRequest:
    """Ask for further guests of the room's party.

    Raises NotFound, NotPermitted, RequestTerms, RequestPending, RoomClosed, PhoneInvalid,
    GuestRefused.
    """
    room, requester = managed_room(room_id)
    request = _ask(room, requester, RequestKind.GUESTS, reason)
    named = name_guests(request, guests)
    what = events.GuestsRequested(request_id=request.id, guests=len(named), reason=request.reason)
    record_asking(request, what, named, requester)
    return request


@transaction.atomic
def request_extension(*, room_id: UUID, closes_at: datetime, reason: str) -> RoomRequest:
    """Ask for a later end.

    Raises NotFound, NotPermitted, RequestTerms, RequestPending, RoomClosed.
    """
    room, requester = managed_room(room_id)
    request = _ask(room, requester, RequestKind.EXTENSION, reason, closes_at=closes_at)
    if room.closes_at is None or closes_at <= room.closes_at:
        raise RequestTerms(detail="An extension ends later than the room does now.")
    check_end(closes_at, room.parent)
    what = events.ExtensionRequested(
        request_id=request.id, before=room.closes_at, after=closes_at, reason=request.reason
    )
    record_asking(request, what, [], requester)
    return request


def _ask(
    room: Room,
    requester: Membership,
    kind: RequestKind,
    reason: str,
    closes_at: datetime | None = None,
) -> RoomRequest:
    """A new request about an open external room, the only one of its kind that waits."""
    if room.kind != RoomKind.EXTERNAL:
        raise RequestTerms(detail="Only an external room has guests and an end.")
    if room.status == RoomStatus.REQUESTED:
        raise RequestPending(detail="The room itself waits for its approval still.")
    if not room.open:
        raise RoomClosed
    waiting = (kind, RequestKind.CONFIRMATION) if kind == RequestKind.EXTENSION else (kind,)
    if room.requests.filter(kind__in=waiting, status=RequestStatus.PENDING).exists():
        raise RequestPending
    return RoomRequest.objects.create(
        organisation_id=room.organisation_id,
        room=room,
        kind=kind,
        requested_by=requester,
        reason=check_text(reason, "The reason"),
        closes_at=closes_at,
        approvals_needed=Policy.objects.get().external_room_approvers,
    )


@transaction.atomic
def approve_request(*, request_id: UUID) -> RoomRequest:
    """Approve a request of somebody else; the last approval that is needed carries it out.

    Raises NotFound, NotPermitted, OwnRequest, RequestDecided (which says who decided, and when),
    ApprovalGiven, RequestTerms, RoomClosed, SponsorNotActive, GuestRefused, and what
    `issue_invitation` does.
    """
    request = _waiting(request_id)
    _decide(request, acting_manager(), approved=True)
    approvals = approvals_of(request).count()
    what = events.RequestApproved(
        request_id=request.id,
        kind=request.kind,
        approvals=approvals,
        needed=request.approvals_needed,
    )
    record(what, room=room_ref(request.room))
    if approvals >= request.approvals_needed:
        settle(request, RequestStatus.APPROVED)
        _carry_out(request)
    return request


@transaction.atomic
def deny_request(*, request_id: UUID, reason: str) -> RoomRequest:
    """Deny a request of somebody else; one denial is enough.

    An emergency room that isn't confirmed goes on to the end that it has. Raises NotFound,
    NotPermitted, OwnRequest, RequestDecided, RequestTerms.
    """
    request = _waiting(request_id)
    _decide(request, acting_manager(), approved=False)
    reason = check_text(reason, "The reason")
    settle(request, RequestStatus.DENIED, reason)
    what = events.RequestDenied(request_id=request.id, kind=request.kind, reason=reason)
    record(what, room=room_ref(request.room))
    if request.kind == RequestKind.OPENING:
        _deny_room(request.room)
    return request


@transaction.atomic
def withdraw_request(*, request_id: UUID, reason: str = WITHDRAWN) -> RoomRequest:
    """Take one's own request back. Raises NotFound, NotPermitted, RequestDecided, RequestTerms."""
    request = _waiting(request_id)
    if acting_host().id != request.requested_by_id:
        raise NotPermitted(detail="Only who asked for it may withdraw it.")
    if request.kind == RequestKind.CONFIRMATION:
        raise RequestTerms(detail="Close the emergency room instead.")
    reason = check_text(reason, "The reason")
    withdraw(request, reason=reason)
    if request.kind == RequestKind.OPENING:
        end_room(request.room, reason=reason)
    return request


def _waiting(request_id: UUID) -> RoomRequest:
    """The pending request, the organisation locked. Raises NotFound, RequestDecided."""
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    if not RoomRequest.objects.filter(id=request_id).exists():
        raise NotFound
    lock_organisation()
    whole = RoomRequest.objects.select_related("room__party", "room__parent", "requested_by")
    request = whole.get(id=request_id)
    if request.status != RequestStatus.PENDING:
        raise RequestDecided(detail=decision_in_words(request))
    return request


def _decide(request: RoomRequest, manager: Membership, *, approved: bool) -> None:
    asked_by = request.requested_by
    # By account: who left and came back is another membership and the same person.
    if asked_by is not None and manager.account_id == asked_by.account_id:
        raise OwnRequest
    if approved and request.decisions.filter(by=manager).exists():
        raise ApprovalGiven
    RequestDecision.objects.update_or_create(
        request=request,
        by=manager,
        defaults={"approved": approved, "at": clock.now()},
        create_defaults={"organisation_id": request.organisation_id, "approved": approved},
    )


def _carry_out(request: RoomRequest) -> None:
    room = request.room
    if request.kind == RequestKind.OPENING:
        _open(request)
    elif not room.open:
        raise RoomClosed
    elif request.kind == RequestKind.GUESTS:
        admit(room, request)
    else:
        _extend(request)


def _open(request: RoomRequest) -> None:
    room = request.room
    if room.closes_at is None or room.closes_at <= clock.now():
        raise RequestTerms(detail="The end that was asked for has passed.")
    if room.parent is not None and not room.parent.open:
        raise RoomClosed(detail="The room of which this would be a thread is closed.")
    room.status = RoomStatus.ACTIVE
    room.save(update_fields=["status"])
    people = present_members().filter(id__in=request.members.values("membership_id"))
    if room.parent is not None:
        # Who was taken out of the room meanwhile doesn't come back by its thread.
        people = people.filter(id__in=periods_in(room.parent.id).values("membership_id"))
    begin_periods(room, list(people.order_by("name", "id")))
    admit(room, request)


def _extend(request: RoomRequest) -> None:
    """The end that was asked for, and with it the guests' ends."""
    room, after = request.room, request.closes_at
    before, confirmed = room.closes_at, request.kind == RequestKind.CONFIRMATION
    if after is None or before is None:
        raise RequestTerms
    check_end(after, room.parent)
    room.closes_at, room.told_at, room.emergency = after, None, False
    room.save(update_fields=["closes_at", "told_at", "emergency"])
    what = events.RoomExtended(before=before, after=after, confirmed=confirmed)
    record(what, room=room_ref(room))
    stay_until(room, after)


def _deny_room(room: Room) -> None:
    for period in RoomMembership.objects.filter(room=room, ended_at=None).select_related(
        "room", "membership"
    ):
        end_period(period, reason=DENIED)
    room.status = RoomStatus.DENIED
    room.save(update_fields=["status"])
