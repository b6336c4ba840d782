"""External parties: their people, rooms, sponsors, and when they last wrote or were written to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery

from messaging.models import Message, Room, RoomStatus
from orgs.models import ExternalParty, Membership, MembershipKind, MembershipStatus
from semafore.kernel.problems import NotFound


@dataclass(frozen=True, slots=True)
class PartyRow:
    """A party with its numbers."""

    party: ExternalParty
    guests: int
    """Admitted and not ended."""
    rooms: int
    """Requested or active."""
    last_activity: datetime | None
    """The last message in any of its rooms."""


@dataclass(frozen=True, slots=True)
class Sponsor:
    """Who answers for how many of a party's guests."""

    person: Membership
    guests: int


def parties(*, text: str = "") -> QuerySet[ExternalParty]:
    """The parties whose name begins so."""
    found = ExternalParty.objects.all()
    return found.filter(name__istartswith=text) if text else found


def party(party_id: UUID) -> ExternalParty:
    """One of them. Raises NotFound."""
    found = ExternalParty.objects.filter(id=party_id).first()
    if found is None:
        raise NotFound
    return found


def party_rows(of: Sequence[ExternalParty]) -> list[PartyRow]:
    """The parties in the same order with their numbers, in three statements however many."""
    ids = [one.id for one in of]
    guests = Membership.objects.filter(party_id__in=ids).exclude(status=MembershipStatus.ENDED)
    guest_counts = dict(guests.values_list("party_id").annotate(Count("id")))
    rooms = Room.objects.filter(party_id__in=ids)
    live = rooms.filter(status__in=(RoomStatus.REQUESTED, RoomStatus.ACTIVE))
    room_counts = dict(live.values_list("party_id").annotate(Count("id")))
    newest = Message.objects.filter(room=OuterRef("id")).order_by("-accepted_at", "-id")
    latest = rooms.annotate(last=Subquery(newest.values("accepted_at")[:1]))
    last = dict(latest.values_list("party_id").annotate(Max("last")))
    return [
        PartyRow(one, guest_counts.get(one.id, 0), room_counts.get(one.id, 0), last.get(one.id))
        for one in of
    ]


def guests_of(party_id: UUID) -> QuerySet[Membership]:
    """Everybody who is or was here for the party."""
    return Membership.objects.select_related("sponsor").filter(
        party_id=party_id, kind=MembershipKind.GUEST
    )


def party_rooms(party_id: UUID) -> QuerySet[Room]:
    """The party's rooms, newest first."""
    found = Room.objects.select_related("party", "parent").filter(party_id=party_id)
    return found.order_by("-created_at", "-id")


def sponsors_of(party_id: UUID) -> list[Sponsor]:
    """Who answers for the party's guests, by name."""
    guests = guests_of(party_id).exclude(status=MembershipStatus.ENDED).order_by()
    counts = dict(guests.values_list("sponsor_id").annotate(Count("id")))
    people = Membership.objects.filter(id__in=counts).order_by("name", "id")
    return [Sponsor(person, counts[person.id]) for person in people]
