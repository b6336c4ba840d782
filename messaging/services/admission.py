"""How guests come into rooms: by an approved request and by nothing else.

Within the caller's transaction, the organisation locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from invitations.errors import SponsorNotActive
from invitations.models import Channel, Invitation, Purpose
from invitations.models.invitations import OPEN as OPEN_STATES
from invitations.selectors.people import open_periods
from invitations.services.issuing import issue_invitations
from invitations.services.stays import prolong_stays
from invitations.services.terms import Draft
from messaging.errors import GuestRefused, RequestTerms, RoomClosed
from messaging.models import NamedGuest, Room, RoomMembership, RoomRequest, RoomStatus
from messaging.services.periods import begin_periods
from orgs.models import ExternalParty, Membership, MembershipKind, MembershipStatus
from orgs.selectors.members import present_members
from orgs.services.accounts import normalise_phone
from orgs.services.ends import prolong_stay
from orgs.services.memberships import OPEN
from semafore.kernel import hooks
from semafore.kernel.problems import NotFound

GUESTS_MAX = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestDraft:
    """Somebody who is to be a guest; `membership_id` names one who is a guest already."""

    name: str = ""
    phone: str = ""
    email: str = ""
    membership_id: UUID | None = None


def name_guests(request: RoomRequest, drafts: Sequence[GuestDraft]) -> list[NamedGuest]:
    """Write down whom a request names, numbers in their one spelling, everybody once.

    Raises RequestTerms, PhoneInvalid, NotFound (no such guest).
    """
    if not 1 <= len(drafts) <= GUESTS_MAX:
        raise RequestTerms(detail=f"Name one to {GUESTS_MAX} guests.")
    ids = [draft.membership_id for draft in drafts if draft.membership_id]
    guests = Membership.objects.filter(
        id__in=ids, kind=MembershipKind.GUEST, status__in=OPEN
    ).in_bulk()
    named = [_named(request, draft, guests) for draft in drafts]
    typed = [one.phone for one in named if one.membership is None]
    if len(set(typed)) < len(typed) or len(set(ids)) < len(ids):
        raise RequestTerms(detail="The same person stands there twice.")
    # A guest by id and by number is one guest, and no error: it would tell whose number it is.
    by_phone = {one.phone: one for one in sorted(named, key=lambda one: one.membership is not None)}
    return NamedGuest.objects.bulk_create(by_phone.values())


def _named(
    request: RoomRequest, draft: GuestDraft, guests: Mapping[UUID, Membership]
) -> NamedGuest:
    if draft.membership_id is None:
        name = " ".join(draft.name.split())
        if not name:
            raise RequestTerms(detail="Every guest needs a name.")
        phone, email, person = normalise_phone(draft.phone), draft.email.strip().lower(), None
    else:
        person = guests.get(draft.membership_id)
        if person is None:
            raise NotFound
        name, phone, email = person.name, person.phone, person.email
        if not phone:
            raise RequestTerms(detail=f"{name} has no phone number.")
    return NamedGuest(
        organisation_id=request.organisation_id,
        request=request,
        name=name,
        phone=phone,
        email=email,
        membership=person,
    )


def known_guests(party: ExternalParty, named: Sequence[NamedGuest]) -> dict[UUID, Membership]:
    """Who of the named is a guest of the party already, by the id of the naming.

    Raises GuestRefused for a member of the organisation, and for a guest of another party.
    """
    by_phone = {person.phone: person for person in open_periods(phones=_phones(named), emails=())}
    known = {}
    for one in named:
        person = by_phone.get(one.phone)
        if person is None:
            continue
        if person.kind == MembershipKind.MEMBER:
            raise GuestRefused(detail=f"{one.name} is a member of the organisation ({one.phone}).")
        if person.party_id != party.id:
            raise GuestRefused(
                detail=f"{one.name} is a guest of another external party ({one.phone})."
            )
        known[one.id] = person
    return known


def admit(room: Room, request: RoomRequest) -> None:
    """Let in whom the request names: guests of the party at once, the others by invitation.

    Raises SponsorNotActive, GuestRefused, and what `issue_invitation` does.
    """
    sponsor = _sponsor(request)
    named = list(request.guests.order_by("id"))
    party, until = _external(room)
    known = known_guests(party, named)
    open_invitations = {
        invitation.phone: invitation
        for invitation in Invitation.objects.filter(
            phone__in=_phones(named), party=party, purpose=Purpose.GUEST, state__in=OPEN_STATES
        )
    }
    present = []
    for one in named:
        person, invitation = known.get(one.id), open_invitations.get(one.phone)
        # Who was a guest when they were named may have left since.
        one.membership = person
        if person is not None:
            prolong_stay(membership=person, until=until)
            if person.status != MembershipStatus.PENDING:
                present.append(person)
        if invitation is not None:
            one.invitation_id = invitation.id
    begin_periods(room, present)
    prolong_stays(invitation_ids=[one.id for one in open_invitations.values()], until=until)
    strangers = [one for one in named if one.membership is None and one.invitation_id is None]
    issued = issue_invitations(
        drafts=[
            Draft(
                purpose=Purpose.GUEST,
                name=one.name,
                phone=one.phone,
                email=one.email,
                channel=Channel.SMS,
                party=party.name,
                sponsor_id=sponsor.id,
                room_id=room.id,
                membership_ends_at=until,
            )
            for one in strangers
        ]
    )
    for one, invitation in zip(strangers, issued, strict=True):
        one.invitation_id = invitation.id
    NamedGuest.objects.bulk_update(named, ["membership", "invitation_id"])


def _phones(named: Sequence[NamedGuest]) -> set[str]:
    return {one.phone for one in named}


def _external(room: Room) -> tuple[ExternalParty, datetime]:
    if room.party is None or room.closes_at is None:
        raise RequestTerms(detail="Only an external room has guests.")
    return room.party, room.closes_at


def _sponsor(request: RoomRequest) -> Membership:
    """Who asked answers for the guests."""
    asking = request.requested_by_id
    sponsor = present_members().filter(id=asking).first() if asking else None
    if sponsor is None:
        raise SponsorNotActive(
            detail="Who asked for this is not an active member any more, and would answer for the "
            "guests. Deny it, and ask for the room anew."
        )
    return sponsor


def stay_until(room: Room, until: datetime) -> None:
    """Let the guests of a room stay as long as the room, also those who are still to come."""
    for person in guests_of([room.id]):
        prolong_stay(membership=person, until=until)
    prolong_stays(invitation_ids=invitations_to([room.id]), until=until)


def guests_of(room_ids: Sequence[UUID]) -> list[Membership]:
    """Guests who are in one of these rooms, or wait for the approval that lets them in."""
    inside = RoomMembership.objects.filter(room_id__in=room_ids, ended_at=None)
    waiting = Invitation.objects.filter(
        id__in=invitations_to(room_ids), state__in=OPEN_STATES, membership__isnull=False
    )
    ids = {
        *inside.values_list("membership_id", flat=True),
        *waiting.values_list("membership_id", flat=True),
    }
    return list(
        Membership.objects.filter(id__in=ids, kind=MembershipKind.GUEST, status__in=OPEN).order_by(
            "name", "id"
        )
    )


def invitations_to(room_ids: Sequence[UUID]) -> list[UUID]:
    """The invitations by which people come into these rooms."""
    named = NamedGuest.objects.filter(
        request__room_id__in=room_ids, invitation_id__isnull=False
    ).values_list("invitation_id", flat=True)
    return [one for one in named if one is not None]


def on_guest_admitted(admitted: hooks.GuestAdmitted) -> None:
    """A guest's device is approved: into those of the rooms that are open still.

    Raises RoomClosed where the last of them has ended and the sweep is still to come, which lets
    nobody go who is in no room.
    """
    invitations = Invitation.objects.filter(membership_id=admitted.membership_id)
    named = NamedGuest.objects.filter(invitation_id__in=invitations.values("id"))
    named.update(membership_id=admitted.membership_id)
    person = Membership.objects.get(id=admitted.membership_id)
    rooms = Room.objects.filter(
        id__in=named.values("request__room_id"), status=RoomStatus.ACTIVE
    ).order_by("closes_at")
    if rooms and not any(room.open for room in rooms):
        raise RoomClosed(detail="The room to which this guest was invited has ended.")
    for room in rooms:
        if room.open and room.closes_at is not None:
            begin_periods(room, [person])
            prolong_stay(membership=person, until=room.closes_at)
