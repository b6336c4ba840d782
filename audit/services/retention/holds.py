"""Legal holds: placed by one person, lifted by two."""

from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from audit import errors
from audit.events import retention as events
from audit.models import Hold, RequestKind, RetentionRequest
from audit.selectors import retention
from audit.services.recording import Ref, record
from audit.services.retention import lock_retention
from audit.services.retention.asking import ask
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id


@transaction.atomic
def place_hold(
    *,
    person: Ref | None,
    room: Ref | None,
    from_at: datetime | None,
    until_at: datetime | None,
    reason: str,
    case_reference: str,
    hold_id: UUID | None = None,
) -> Hold:
    """Keep what concerns a membership, a room, a period, or all that are given.

    Returns once no sweep goes by the holds before it. Person and room are the organisation's own:
    the caller has read them. One that was placed before, and lost with a database, keeps its id.
    Raises HoldInvalid.
    """
    if person is None and room is None and from_at is None and until_at is None:
        raise errors.HoldInvalid(detail="Name a person, a room or a period.")
    if from_at and until_at and until_at < from_at:
        raise errors.HoldInvalid(detail="The period ends before it begins.")
    lock_retention()
    hold = Hold.objects.create(
        id=hold_id or uuid4(),
        organisation_id=current_organisation_id(),
        person_id=person.id if person else None,
        room_id=room.id if room else None,
        room_label=room.label if room else "",
        from_at=from_at,
        until_at=until_at,
        reason=reason,
        case_reference=case_reference,
        placed_at=clock.now(),
        placed_by_id=current_actor().membership_id,
    )
    placed = events.HoldPlaced(
        hold_id=hold.id,
        from_at=from_at,
        until_at=until_at,
        reason=reason,
        case_reference=case_reference,
    )
    record(placed, target=_ref(hold), subject=person, room=room)
    return hold


@transaction.atomic
def request_lift(*, hold_id: UUID, reason: str) -> RetentionRequest:
    """Ask a second person to lift a hold.

    Raises NotFound, HoldLifted, RetentionRequestPending, NotPermitted unless a member asks.
    """
    lock_retention()
    hold = retention.hold(hold_id)
    if examines_actor(hold) and hold.placed_by_id != current_actor().membership_id:
        raise NotFound
    if hold.lifted_at:
        raise errors.HoldLifted
    request = ask(RequestKind.LIFT, reason=reason, hold=hold)
    record_of(hold, events.HoldLiftRequested(hold_id=hold.id, reason=reason, request_id=request.id))
    return request


def lift(hold: Hold, *, request: RetentionRequest) -> None:
    """End a hold, in the transaction of the approval, under the retention lock."""
    hold.lifted_at = clock.now()
    hold.save(update_fields=["lifted_at"])
    lifted = events.HoldLifted(hold_id=hold.id, reason=request.reason, request_id=request.id)
    record_of(hold, lifted)


def examines_actor(hold: Hold) -> bool:
    """Whether the acting person is the one whom the hold is on, by this membership or another."""
    actor = current_actor().membership_id
    if hold.person is None or actor is None:
        return False
    return bool(hold.person.account.memberships.filter(id=actor).exists())


HoldEvent = (
    events.HoldLiftRequested | events.HoldLiftDenied | events.HoldLiftWithdrawn | events.HoldLifted
)


def record_of(hold: Hold, what: HoldEvent) -> None:
    """Record an event of a hold, with the person and the room that it names."""
    person, room_id = hold.person, hold.room_id
    record(
        what,
        target=_ref(hold),
        subject=Ref(kind="member", id=person.id, label=person.name) if person else None,
        room=Ref(kind="room", id=room_id, label=hold.room_label) if room_id else None,
    )


def _ref(hold: Hold) -> Ref:
    return Ref(kind="hold", id=hold.id, label=hold.case_reference)
