"""Who was in a room or the organisation as of a moment, and what changed over a period.

From periods in rooms and memberships, which stay when names go; roles from the events that changed
them, as far as retention has left those.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Q, Subquery

from audit.models import Event, IndexedEvent
from audit.selectors.events import lines
from messaging.models import RoomMembership
from orgs.models import Membership, MembershipChange, MembershipStatus
from reports.questions import Question
from semafore.kernel.names import called
from semafore.kernel.paging import PAGE_SIZE, Page, open_cursor, paginate, seal_cursor
from semafore.kernel.tenancy import current_organisation_id

IN_ROOM, IN_ORGANISATION = "room.role_changed", "member.role_changed"
THERE = (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who was there."""

    person: Membership
    role: str
    """At that moment."""
    since: datetime
    standing: str
    """Of the membership then; empty in a room."""

    @property
    def name(self) -> str:
        """As the console calls them."""
        return called(self.person)

    @property
    def party(self) -> str:
        """The company, of a guest."""
        return self.person.party.name if self.person.party else ""


def present(question: Question, *, cursor: str | None, limit: int = PAGE_SIZE) -> Page[Present]:
    """A page of who was there, by name. Raises Malformed for a foreign cursor."""
    at: datetime = question.at  # type: ignore[assignment]  # checked with the question
    found = (
        _in_room(question.room, at, cursor, limit) if question.room else _here(at, cursor, limit)
    )
    earlier = _roles_then([one.person.id for one in found.rows], question.room, at)
    rows = [
        Present(one.person, earlier.get(one.person.id, one.role), one.since, one.standing)
        for one in found.rows
    ]
    return Page(rows, found.next)


def _in_room(room_id: UUID, at: datetime, cursor: str | None, limit: int) -> Page[Present]:
    periods = RoomMembership.objects.select_related("membership__party").filter(
        Q(ended_at=None) | Q(ended_at__gt=at), room_id=room_id, added_at__lte=at
    )
    page = paginate(periods, by=("membership__name", "id"), cursor=cursor, limit=limit)
    rows = [Present(one.membership, one.role, one.added_at, "") for one in page.rows]
    return Page(rows, page.next)


def _here(at: datetime, cursor: str | None, limit: int) -> Page[Present]:
    changes = MembershipChange.objects.filter(membership=OuterRef("pk"))
    latest = changes.filter(at__lte=at).order_by("-at", "-id")
    activated = changes.filter(status=MembershipStatus.ACTIVE).order_by("at", "id")
    people = (
        Membership.objects.select_related("party")
        .annotate(
            standing=Subquery(latest.values("status")[:1]),
            since=Subquery(activated.values("at")[:1]),
        )
        .filter(standing__in=THERE)
    )
    page = paginate(people, by=("name", "id"), cursor=cursor, limit=limit)
    return Page([_standing(one) for one in page.rows], page.next)


def _standing(one: Any) -> Present:
    """Of a membership with its annotations."""
    return Present(one, one.role, one.since, one.standing)


def _roles_then(people: Sequence[UUID], room_id: UUID | None, at: datetime) -> dict[UUID, str]:
    """Of those whose role changed later: what it was before the first change since."""
    changed = IndexedEvent.objects.filter(
        type=IN_ROOM if room_id else IN_ORGANISATION, target_id__in=people, at__gt=at
    )
    if room_id:
        changed = changed.filter(room_id=room_id)
    then: dict[UUID, str] = {}
    for line in lines(changed.order_by("seq")):
        if line.what and line.row.target_id:
            then.setdefault(line.row.target_id, line.what["data"]["before"])
    return then


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody came or went, or became something else."""

    at: datetime
    rank: int
    id: UUID
    what: str
    """`joined`, `left`, `role`, or the status that a membership came into."""
    text: str
    """The reason, or the role before and after."""
    person_id: UUID | None
    person: str | None
    """The name; empty where retention took it."""
    by_id: UUID | None
    by: str | None
    """None where the server acted, or where retention took who did."""
    event_id: UUID | None

    @property
    def words(self) -> str:
        """What happened, in plain words."""
        return WORDS.get(self.what, self.what)

    @property
    def name(self) -> str:
        """Of whom."""
        return called(self.person or "")

    @property
    def actor(self) -> str:
        """Who did it."""
        return called(self.by)


WORDS: Mapping[str, str] = {
    "joined": "Came into the room",
    "left": "Left the room",
    "role": "Got another role",
    "pending": "Was entered, to be approved",
    "active": "Became active",
    "suspended": "Was suspended",
    "ended": "Left the organisation",
}

# Each: when, a rank and an id that make it unique, what, the text, whom, by whom, the event.
ROLES = """
    SELECT at, 3, event_id, 'role', '', target_id, actor_member, event_id
    FROM audit_event_index
    WHERE organisation_id = %(organisation)s AND type = %(type)s
      AND (%(room)s::uuid IS NULL OR room_id = %(room)s)
      AND at >= %(from_at)s AND at < %(to_at)s"""
JOINED = """
    SELECT added_at, 1, id, 'joined', '', membership_id, added_by_id, NULL::uuid
    FROM messaging_roommembership
    WHERE organisation_id = %(organisation)s AND room_id = %(room)s
      AND added_at >= %(from_at)s AND added_at < %(to_at)s"""
LEFT = """
    SELECT ended_at, 2, id, 'left', end_reason, membership_id, ended_by_id, NULL::uuid
    FROM messaging_roommembership
    WHERE organisation_id = %(organisation)s AND room_id = %(room)s
      AND ended_at >= %(from_at)s AND ended_at < %(to_at)s"""
STANDINGS = """
    SELECT at, 1, lpad(to_hex(id), 32, '0')::uuid, status, reason, membership_id, by_id, event_id
    FROM orgs_membershipchange
    WHERE organisation_id = %(organisation)s AND at >= %(from_at)s AND at < %(to_at)s"""

CHANGES = """
SELECT one.at, one.rank, one.id, one.what, one.text, one.person_id, person.name, one.by_id,
    acting.name, one.event_id
FROM (
    SELECT * FROM ({union}
    ) AS every(at, rank, id, what, text, person_id, by_id, event_id)
    WHERE (at, rank, id) < (%(at)s::timestamptz, %(rank)s, %(id)s::uuid)
    ORDER BY at DESC, rank DESC, id DESC LIMIT %(limit)s
) AS one
LEFT JOIN orgs_membership AS person
    ON person.organisation_id = %(organisation)s AND person.id = one.person_id
LEFT JOIN orgs_membership AS acting
    ON acting.organisation_id = %(organisation)s AND acting.id = one.by_id
ORDER BY one.at DESC, one.rank DESC, one.id DESC
"""
UNION = "\n    UNION ALL"
BY = ("-at", "-rank", "-id")
AT_FIRST = ("infinity", 99, "ffffffff-ffff-ffff-ffff-ffffffffffff")


def changes(question: Question, *, cursor: str | None, limit: int = PAGE_SIZE) -> Page[Change]:
    """A page of what changed, the latest first. Raises Malformed for a foreign cursor."""
    at, rank, last_id = open_cursor(BY, cursor) if cursor else AT_FIRST
    values: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "room": question.room,
        "type": IN_ROOM if question.room else IN_ORGANISATION,
        "from_at": question.from_at,
        "to_at": question.to_at,
        "at": at,
        "rank": rank,
        "id": last_id,
        "limit": limit + 1,
    }
    union = UNION.join((JOINED, LEFT, ROLES) if question.room else (STANDINGS, ROLES))
    with connection.cursor() as sent:
        sent.execute(CHANGES.format(union=union), values)
        found = sent.fetchall()
    rows = _with_roles([Change(*row) for row in found[:limit]])
    if len(found) <= limit:
        return Page(rows, None)
    return Page(rows, seal_cursor(BY, (rows[-1].at, rows[-1].rank, rows[-1].id)))


def _with_roles(rows: Sequence[Change]) -> list[Change]:
    """Changes of roles say from what to what, as far as their events are left."""
    ids = [one.event_id for one in rows if one.what == "role"]
    events = Event.objects.filter(id__in=ids, what__isnull=False) if ids else ()
    said = {event.id: json.loads(bytes(event.what or b""))["data"] for event in events}
    return [
        replace(one, text="{before} → {after}".format_map(said[one.event_id]))
        if one.what == "role" and one.event_id in said
        else one
        for one in rows
    ]
