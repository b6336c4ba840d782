"""Ends of external rooms, of guests' time in them, and of all that is shared with a party."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.services.recording import record
from invitations.models import Invitation, Purpose, State
from invitations.services.parties import party_ref
from invitations.services.stays import NOT_YET_COME, revoke_stays
from messaging.errors import RoomClosed
from messaging.events import external as events
from messaging.models import (
    NamedGuest,
    RequestStatus,
    Room,
    RoomMembership,
    RoomRequest,
    RoomStatus,
)
from messaging.services.access import acting_manager, managed_room
from messaging.services.admission import guests_of, invitations_to
from messaging.services.periods import close, end_period, room_ref
from orgs.models import ExternalParty, Membership, MembershipKind
from orgs.services.memberships import OPEN, end_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as, current_actor
from semafore.kernel.problems import NotFound
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import lock_organisation

END_HAS_COME = "The end that was set has come."
UNCLOSED = (RoomStatus.ACTIVE, RoomStatus.REQUESTED)


@transaction.atomic
def close_room(*, room_id: UUID, reason: str) -> Room:
    """Close a room with its threads, before its end if it has one, at once.

    Raises NotFound, NotPermitted, RoomClosed.
    """
    room, _ = managed_room(room_id)
    if room.status not in UNCLOSED:
        raise RoomClosed
    end_room(room, reason=reason)
    return room


@transaction.atomic
def remove_guest(*, room_id: UUID, membership_id: UUID, reason: str) -> Membership:
    """Take a guest out of a room and its threads, at once; out of the last one, for good.

    Raises NotFound, NotPermitted.
    """
    room, _ = managed_room(room_id)
    guest = Membership.objects.filter(id=membership_id, kind=MembershipKind.GUEST).first()
    if guest is None:
        raise NotFound
    rooms = [room, *room.threads.all()]
    periods = list(
        RoomMembership.objects.filter(
            room__in=rooms, membership=guest, ended_at=None
        ).select_related("room", "membership")
    )
    if not periods:
        raise NotFound
    for period in periods:
        end_period(period, reason=reason)
    end_without_room([guest], reason=reason)
    return guest


def end_room(room: Room, *, reason: str) -> None:
    """Close a room with its threads and all that hangs on them.

    Requests that wait lapse, guests without another room leave, and who was to come by an
    invitation doesn't. Within the caller's transaction, the organisation locked.
    """
    ids = [room.id, *room.threads.filter(status__in=UNCLOSED).values_list("id", flat=True)]
    guests, invitations = guests_of(ids), invitations_to(ids)
    close(room, reason=reason)
    for request in _pending(ids):
        settle(request, RequestStatus.LAPSED)
        lapsed = events.RequestLapsed(request_id=request.id, kind=request.kind)
        record(lapsed, room=room_ref(request.room))
    end_without_room(guests, reason=reason)
    elsewhere = _named_for_open_rooms().values_list("invitation_id", flat=True)
    revoke_stays(invitation_ids=set(invitations) - set(elsewhere), reason=reason)


def end_without_room(guests: Sequence[Membership], *, reason: str) -> None:
    """End the memberships of those who are in no other open room, nor about to come into one.

    A guest who leaves the last room does not end themselves: it follows, and the system does it.
    """
    ids = [guest.id for guest in guests]
    inside = RoomMembership.objects.filter(
        membership_id__in=ids, ended_at=None, room__status=RoomStatus.ACTIVE
    ).values_list("membership_id", flat=True)
    coming = Invitation.objects.filter(
        membership_id__in=ids,
        state=State.AWAITING_APPROVAL,
        id__in=_named_for_open_rooms().values("invitation_id"),
    ).values_list("membership_id", flat=True)
    staying = {*inside, *coming}
    actor = current_actor()
    for guest in guests:
        if guest.id not in staying:
            with acting_as(SYSTEM if guest.id == actor.membership_id else actor):
                end_membership(membership_id=guest.id, reason=reason)


def _named_for_open_rooms() -> QuerySet[NamedGuest]:
    return NamedGuest.objects.filter(
        invitation_id__isnull=False, request__room__status=RoomStatus.ACTIVE
    )


def settle(request: RoomRequest, status: RequestStatus, reason: str = "") -> None:
    """Write down what became of a request."""
    request.status, request.decided_at, request.decision_reason = status, clock.now(), reason
    request.save(update_fields=["status", "decided_at", "decision_reason"])


def withdraw(request: RoomRequest, *, reason: str) -> None:
    """Take a pending request back; its room is loaded."""
    settle(request, RequestStatus.WITHDRAWN, reason)
    withdrawn = events.RequestWithdrawn(request_id=request.id, kind=request.kind, reason=reason)
    record(withdrawn, room=room_ref(request.room))


def _pending(room_ids: Sequence[UUID]) -> list[RoomRequest]:
    return list(
        RoomRequest.objects.filter(room_id__in=room_ids, status=RequestStatus.PENDING)
        .select_related("room")
        .order_by("requested_at", "id")
    )


@transaction.atomic
def cut_off_party(*, party_id: UUID, reason: str) -> ExternalParty:
    """End all that is shared with a party, at once: rooms, requests, invitations, guests.

    Raises NotFound, NotPermitted.
    """
    if not ExternalParty.objects.filter(id=party_id).exists():
        raise NotFound
    lock_organisation()
    acting_manager()
    party = ExternalParty.objects.get(id=party_id)
    rooms = list(Room.objects.filter(party=party, status__in=UNCLOSED).values_list("id", flat=True))
    guests = Membership.objects.filter(party=party, status__in=OPEN).order_by("name", "id")
    count = guests.count()
    for request in _pending(rooms):
        withdraw(request, reason=reason)
    invitations = Invitation.objects.filter(
        party=party, purpose=Purpose.GUEST, state__in=NOT_YET_COME
    ).values_list("id", flat=True)
    revoked = revoke_stays(invitation_ids=list(invitations), reason=reason)
    for room_id in rooms:
        # Looked at again: a thread is closed with its room.
        room = Room.objects.get(id=room_id)
        if room.status in UNCLOSED:
            end_room(room, reason=reason)
    for guest in guests:
        end_membership(membership_id=guest.id, reason=reason)
    cut = events.PartyCutOff(reason=reason, rooms=len(rooms), guests=count, invitations=revoked)
    record(cut, target=party_ref(party))
    return party


def close_due_rooms() -> int:
    """Close the rooms whose end has come, each in its own transaction; how many were due."""
    ids = list(_due().order_by("closes_at").values_list("id", flat=True)[:BATCH])
    for room_id in ids:
        _close_due(room_id)
    return len(ids)


@transaction.atomic
def _close_due(room_id: UUID) -> None:
    lock_organisation()
    # Looked at again: somebody may have moved the end since, or closed the room.
    room = _due().filter(id=room_id).first()
    if room is not None:
        end_room(room, reason=END_HAS_COME)


def _due() -> QuerySet[Room]:
    return Room.objects.filter(closes_at__lte=clock.now(), status__in=UNCLOSED)
