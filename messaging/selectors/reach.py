"""Whom a person may message, and so may know of.

Members: all members, and the guests with whom they share an open room. Guests: whoever is with them
in an open room. Only whose membership is active, and hasn't reached its end.
"""

from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet

from keys.selectors.credentials import DeviceCredential
from messaging.models import Room, RoomMembership, RoomStatus
from orgs.models import Membership, MembershipKind, MembershipStatus, unlapsed
from semafore.kernel import clock, hooks
from semafore.kernel.tenancy import current_organisation_id


def rooms_of(membership_id: UUID) -> QuerySet[Room]:
    """The rooms that the person is in."""
    own = RoomMembership.objects.filter(membership_id=membership_id, ended_at=None)
    return Room.objects.filter(id__in=own.values("room_id"))


def open_rooms_of(membership_id: UUID) -> QuerySet[Room]:
    """Those of them in which messages pass."""
    return rooms_of(membership_id).filter(
        Q(closes_at=None) | Q(closes_at__gt=clock.now()), status=RoomStatus.ACTIVE
    )


def people_in_reach(viewer: DeviceCredential) -> QuerySet[Membership]:
    """Whom the device may message, its own person among them."""
    beside = RoomMembership.objects.filter(
        ended_at=None, room__in=open_rooms_of(viewer.membership_id)
    )
    reached = Q(id=viewer.membership_id) | Q(id__in=beside.values("membership_id"))
    if viewer.kind == MembershipKind.MEMBER:
        reached |= Q(kind=MembershipKind.MEMBER)
    return Membership.objects.filter(reached, unlapsed(), status=MembershipStatus.ACTIVE)


def met_by(membership_id: UUID) -> Q:
    """Periods that overlap one of this person's in the same room.

    In further conditions of the same `filter` the person's own is `room__memberships`.
    """
    begins_before = Q(room__memberships__ended_at=None) | Q(
        added_at__lte=F("room__memberships__ended_at")
    )
    ends_after = Q(ended_at=None) | Q(ended_at__gte=F("room__memberships__added_at"))
    return Q(begins_before, ends_after, room__memberships__membership_id=membership_id)


# One statement even where nobody is named: a guest can't tell an unknown device from a hidden one.
SHARING = """
SELECT DISTINCT other.membership_id
FROM messaging_roommembership AS own
JOIN messaging_room AS room ON room.id = own.room_id AND room.status = 'active'
    AND (room.closes_at IS NULL OR room.closes_at > %(now)s)
JOIN messaging_roommembership AS other ON other.room_id = own.room_id AND other.ended_at IS NULL
WHERE own.organisation_id = %(organisation)s AND own.membership_id = %(person)s
  AND own.ended_at IS NULL AND other.membership_id = ANY(%(others)s::uuid[])
"""


def on_guests_in_reach(asked: hooks.GuestsInReach) -> None:
    """Who shares an open room with the person."""
    with connection.cursor() as cursor:
        cursor.execute(
            SHARING,
            {
                "organisation": current_organisation_id(),
                "person": asked.membership_id,
                "others": list(asked.others),
                "now": clock.now(),
            },
        )
        asked.reached.update(row[0] for row in cursor.fetchall())
