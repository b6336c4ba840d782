"""External rooms: asked for by a member, or opened by the duty approver in an emergency."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.registry import What
from audit.services.recording import Fact, Ref, record, record_many
from invitations.services.parties import parties_named, party_ref
from messaging.errors import RequestPending, RequestTerms, RoomClosed
from messaging.events import external as events
from messaging.models import (
    NamedGuest,
    NamedMember,
    RequestKind,
    Room,
    RoomKind,
    RoomMembership,
    RoomRequest,
    RoomRole,
    RoomStatus,
)
from messaging.services.access import (
    acting_host,
    active_members,
    manages_rooms,
    may_at_console,
)
from messaging.services.admission import GuestDraft, admit, known_guests, name_guests
from messaging.services.periods import begin_periods, room_ref
from orgs.models import ExternalParty, Membership, Policy
from orgs.selectors.members import present_members
from semafore.kernel import clock
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import current_organisation_id, lock_organisation

EMERGENCY_LASTS = timedelta(hours=12)
WAITING_MAX = 50
"""Rooms that one person has asked for and that nobody has decided about."""
NAME_LENGTH = 200
REASON_LENGTH = 500

__all__ = ["GuestDraft", "open_emergency_room", "request_room"]


@transaction.atomic
def request_room(
    *,
    name: str,
    purpose: str,
    party: str,
    closes_at: datetime,
    member_ids: Collection[UUID],
    guests: Sequence[GuestDraft],
    parent_id: UUID | None = None,
) -> RoomRequest:
    """Ask for a room with guests of an external party; who asks becomes its administrator.

    Raises NotPermitted, NotFound, RequestTerms, PhoneInvalid, GuestRefused, RoomClosed (the room
    that it would be a thread of), RequestPending (too many of theirs wait).
    """
    _look(member_ids, parent_id)
    lock_organisation()
    requester = acting_host()
    _check_patience(requester)
    parent = _parent(parent_id, requester)
    check_end(closes_at, parent)
    company = _party(party, parent)
    room = _new_room(name, purpose, company, closes_at, requester, parent=parent)
    begin_periods(room, [requester], role=RoomRole.ADMINISTRATOR)
    request = RoomRequest.objects.create(
        organisation_id=room.organisation_id,
        room=room,
        kind=RequestKind.OPENING,
        requested_by=requester,
        reason=room.purpose,
        closes_at=closes_at,
        approvals_needed=Policy.objects.get().external_room_approvers,
    )
    members = _members(member_ids, requester, parent)
    NamedMember.objects.bulk_create(
        NamedMember(organisation_id=room.organisation_id, request=request, membership=person)
        for person in members
    )
    named = name_guests(request, guests)
    asked = events.RoomRequested(
        request_id=request.id,
        purpose=room.purpose,
        closes_at=closes_at,
        members=len(members) + 1,
        guests=len(named),
        parent_id=parent_id,
    )
    record_asking(request, asked, named, requester, target=party_ref(company))
    return request


@transaction.atomic
def open_emergency_room(
    *,
    name: str,
    purpose: str,
    party: str,
    closes_at: datetime,
    member_ids: Collection[UUID],
    guests: Sequence[GuestDraft],
) -> RoomRequest:
    """Open a room at once, as the duty approver alone; the confirmation waits for somebody else.

    It closes by itself after twelve hours, or at the end that is asked for if that comes sooner.
    Raises what `request_room` does, RequestPending (an unconfirmed one with the party is open),
    SponsorNotActive, and what `issue_invitation` does.
    """
    _look(member_ids, None)
    lock_organisation()
    approver = acting_host()
    policy = Policy.objects.get()
    if not policy.emergency_rooms:
        raise NotPermitted(detail="The organisation's policy has no emergency rooms.")
    if policy.duty_approver_id != approver.id or not manages_rooms(approver):
        raise NotPermitted(detail="Only the duty approver may open an emergency room.")
    check_end(closes_at)
    company = _party(party, None)
    if Room.objects.filter(party=company, emergency=True, status=RoomStatus.ACTIVE).exists():
        raise RequestPending(
            detail=f"An emergency room with {company.name} is open that nobody has confirmed. "
            "One that follows before it closes would keep its guests beyond twelve hours."
        )
    until = min(closes_at, clock.now() + EMERGENCY_LASTS)
    room = _new_room(name, purpose, company, until, approver, emergency=True)
    begin_periods(room, [approver], role=RoomRole.ADMINISTRATOR)
    members = _members(member_ids, approver, None)
    begin_periods(room, members)
    request = RoomRequest.objects.create(
        organisation_id=room.organisation_id,
        room=room,
        kind=RequestKind.CONFIRMATION,
        requested_by=approver,
        reason=room.purpose,
        closes_at=closes_at,
        approvals_needed=1,
    )
    named = name_guests(request, guests)
    opened = events.EmergencyRoomOpened(
        request_id=request.id,
        purpose=room.purpose,
        closes_at=until,
        wanted=closes_at,
        members=len(members) + 1,
        guests=len(named),
    )
    record_asking(request, opened, named, approver, target=party_ref(company))
    admit(room, request)
    return request


def record_asking(
    request: RoomRequest,
    what: What,
    named: Sequence[NamedGuest],
    requester: Membership,
    *,
    target: Ref | None = None,
) -> None:
    """Record what is asked for and whom it names. Raises GuestRefused.

    Only who may read people in the console learns at once that somebody is here already. Everybody
    else would find out by asking whose number is known, so there the approval finds it.
    """
    if request.room.party is not None and may_at_console(requester, Permission.PEOPLE_READ):
        known_guests(request.room.party, named)
    room = room_ref(request.room)
    record(what, target=target, room=room)
    record_many(
        [
            Fact(
                events.GuestNamed(request_id=request.id),
                target=Ref(kind="guest", id=one.id, label=one.name),
                room=room,
            )
            for one in named
        ]
    )


def check_end(closes_at: datetime, parent: Room | None = None) -> None:
    """An end that lies ahead, within the policy's longest stay, and within the room above.

    Raises RequestTerms.
    """
    if closes_at <= clock.now():
        raise RequestTerms(detail="The end has to lie ahead.")
    longest = Policy.objects.get().guest_stay_days
    if closes_at > clock.now() + timedelta(days=longest):
        raise RequestTerms(detail=f"The end lies at most {longest} days from now, by the policy.")
    if parent is not None and parent.closes_at is not None and closes_at > parent.closes_at:
        raise RequestTerms(
            detail="A thread ends no later than its room, on "
            f"{parent.closes_at:%-d %B %Y at %H:%M} UTC."
        )


def check_text(text: str, what: str, length: int = REASON_LENGTH) -> str:
    """The text in single spaces. Raises RequestTerms for none, or too much."""
    text = " ".join(text.split())
    if not 1 <= len(text) <= length:
        raise RequestTerms(detail=f"{what} has 1 to {length} characters.")
    return text


def _look(member_ids: Collection[UUID], parent_id: UUID | None) -> None:
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    acting_host()
    # Guests, and who has left, are as if they didn't exist.
    active_members(member_ids)
    if parent_id is not None and not Room.objects.filter(id=parent_id).exists():
        raise NotFound


def _check_patience(requester: Membership) -> None:
    """Nobody buries the administrators in requests. Raises RequestPending."""
    waiting = Room.objects.filter(created_by=requester, status=RoomStatus.REQUESTED)
    if waiting.count() >= WAITING_MAX:
        raise RequestPending(detail=f"{WAITING_MAX} rooms that you asked for wait already.")


def _parent(parent_id: UUID | None, requester: Membership) -> Room | None:
    """The room of which this will be a thread: any of the requester's own that is open."""
    if parent_id is None:
        return None
    parent = Room.objects.select_related("party").get(id=parent_id)
    inside = RoomMembership.objects.filter(room=parent, membership=requester, ended_at=None)
    if not inside.exists() and not manages_rooms(requester):
        raise NotFound
    if parent.kind == RoomKind.DIRECT or parent.parent_id is not None:
        raise RequestTerms(detail="Only a group or an external room has threads.")
    if not parent.open:
        raise RoomClosed
    return parent


def _party(name: str, parent: Room | None) -> ExternalParty:
    name = check_text(name, "The company's name", NAME_LENGTH)
    if parent is not None and parent.party is not None:
        if parent.party.name.lower() != name.lower():
            raise RequestTerms(detail=f"A thread of this room is for {parent.party.name}.")
        return parent.party
    return parties_named([name])[name.lower()]


def _members(
    member_ids: Collection[UUID], requester: Membership, parent: Room | None
) -> list[Membership]:
    """Whom of the organisation the room is for, beside the one who asks."""
    wanted = set(member_ids) - {requester.id}
    members = list(present_members().filter(id__in=wanted).order_by("name", "id"))
    if len(members) < len(wanted):
        raise RequestTerms(detail="Only active members of the organisation can be named as such.")
    if parent is not None:
        inside = RoomMembership.objects.filter(
            room=parent, membership_id__in=wanted, ended_at=None
        ).count()
        if inside < len(wanted):
            raise RequestTerms(detail="The people of a thread are people of its room.")
    return members


def _new_room(
    name: str,
    purpose: str,
    party: ExternalParty,
    closes_at: datetime,
    creator: Membership,
    *,
    parent: Room | None = None,
    emergency: bool = False,
) -> Room:
    return Room.objects.create(
        organisation_id=current_organisation_id(),
        kind=RoomKind.EXTERNAL,
        name=check_text(name, "The room's name", NAME_LENGTH),
        purpose=check_text(purpose, "The purpose"),
        status=RoomStatus.ACTIVE if emergency else RoomStatus.REQUESTED,
        party=party,
        parent=parent,
        closes_at=closes_at,
        emergency=emergency,
        created_by=creator,
    )
