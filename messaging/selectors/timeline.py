"""All that happened in a room, from rows, newest first: one statement a page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from messaging.models import Room, RoomKind
from semafore.kernel.paging import PAGE_SIZE, Page, open_cursor, seal_cursor
from semafore.kernel.tenancy import current_organisation_id


class Strand(StrEnum):
    """What a timeline can be filtered by."""

    ROOM = "room"
    PEOPLE = "people"
    REQUESTS = "requests"
    SCREENSHOTS = "screenshots"
    MESSAGES = "messages"
    DELIVERIES = "deliveries"


TRAFFIC = frozenset({Strand.MESSAGES, Strand.DELIVERIES})
"""Class 2 (audit-log.md): for who may read traffic; of external rooms alone."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: who did it, to whom, with what."""

    at: datetime
    rank: int
    id: UUID
    what: str
    detail: str
    text: str
    envelopes: int | None
    skipped: int | None
    size: int | None
    moment: datetime | None
    reference: UUID | None
    """A message's id as its client knows it, or a request's."""
    who_id: UUID | None
    who: str | None
    whom_id: UUID | None
    whom: str | None
    device_id: UUID | None
    device: str | None


COLUMNS = (
    "at, rank, id, what, detail, text, envelopes, skipped, size, moment, reference,"
    " who_id, whom_id, device_id"
)

# Each: the columns above in their order. Ids that are numbers are written as UUIDs, to be compared.
BRANCHES = {
    Strand.ROOM: (
        """SELECT created_at, 0, id, 'created', kind, name, NULL::int, NULL::int, NULL::bigint,
    closes_at, NULL::uuid, created_by_id, NULL::uuid, NULL::uuid
FROM messaging_room WHERE organisation_id = %(organisation)s AND id = %(room)s""",
        """SELECT closed_at, 9, id, 'closed', kind, close_reason, NULL::int, NULL::int,
    NULL::bigint, NULL::timestamptz, NULL::uuid, closed_by_id, NULL::uuid, NULL::uuid
FROM messaging_room
WHERE organisation_id = %(organisation)s AND id = %(room)s AND closed_at IS NOT NULL""",
    ),
    Strand.PEOPLE: (
        """SELECT added_at, 1, id, 'joined', role, '', NULL::int, NULL::int, NULL::bigint,
    NULL::timestamptz, NULL::uuid, added_by_id, membership_id, NULL::uuid
FROM messaging_roommembership
WHERE organisation_id = %(organisation)s AND room_id = %(room)s""",
        """SELECT ended_at, 2, id, 'left', role, end_reason, NULL::int, NULL::int, NULL::bigint,
    NULL::timestamptz, NULL::uuid, ended_by_id, membership_id, NULL::uuid
FROM messaging_roommembership
WHERE organisation_id = %(organisation)s AND room_id = %(room)s AND ended_at IS NOT NULL""",
    ),
    Strand.REQUESTS: (
        """SELECT requested_at, 3, id, 'requested', kind, reason, NULL::int, NULL::int,
    NULL::bigint, closes_at, id, requested_by_id, NULL::uuid, NULL::uuid
FROM messaging_roomrequest
WHERE organisation_id = %(organisation)s AND room_id = %(room)s""",
        """SELECT decision.at, 4, lpad(to_hex(decision.id), 32, '0')::uuid,
    CASE WHEN decision.approved THEN 'approved' ELSE 'denied' END, request.kind,
    CASE WHEN decision.approved THEN '' ELSE request.decision_reason END,
    NULL::int, NULL::int, NULL::bigint, request.closes_at, request.id, decision.by_id,
    NULL::uuid, NULL::uuid
FROM messaging_roomrequest AS request
JOIN messaging_requestdecision AS decision ON decision.request_id = request.id
WHERE request.organisation_id = %(organisation)s AND request.room_id = %(room)s""",
        """SELECT decided_at, 5, id, status, kind, decision_reason, NULL::int, NULL::int,
    NULL::bigint, closes_at, id, NULL::uuid, NULL::uuid, NULL::uuid
FROM messaging_roomrequest
WHERE organisation_id = %(organisation)s AND room_id = %(room)s
  AND status IN ('withdrawn', 'lapsed')""",
    ),
    Strand.SCREENSHOTS: (
        """SELECT reported_at, 8, id, 'screenshot', platform, '', NULL::int, NULL::int,
    NULL::bigint, taken_at, NULL::uuid, membership_id, NULL::uuid, device_id
FROM messaging_screenshotreport
WHERE organisation_id = %(organisation)s AND room_id = %(room)s""",
    ),
    Strand.MESSAGES: (
        """SELECT accepted_at, 6, id, 'message', '', '', envelopes::int, cardinality(skipped),
    size::bigint, NULL::timestamptz, message_id, sender_id, NULL::uuid, sender_device_id
FROM messaging_message
WHERE organisation_id = %(organisation)s AND room_id = %(room)s""",
    ),
    # Deliveries have neither room nor index by time. An envelope waits for so long at most, and the
    # last messages that were delivered at all, a page of them, bring a page of deliveries: what
    # was accepted longer than that before them need not be looked at.
    Strand.DELIVERIES: (
        """SELECT delivery.at, 7, lpad(to_hex(delivery.id), 32, '0')::uuid, delivery.outcome, '',
    '', NULL::int, NULL::int, NULL::bigint, message.accepted_at, message.message_id, NULL::uuid,
    NULL::uuid, delivery.device_id
FROM messaging_message AS message
JOIN messaging_delivery AS delivery ON delivery.message_id = message.id
WHERE message.organisation_id = %(organisation)s AND message.room_id = %(room)s
  AND message.accepted_at <= %(at)s::timestamptz
  AND message.accepted_at >= coalesce((
    SELECT enough.accepted_at FROM messaging_message AS enough
    WHERE enough.room_id = %(room)s AND enough.accepted_at <= %(at)s::timestamptz
      AND EXISTS (
        SELECT FROM messaging_delivery AS one
        WHERE one.message_id = enough.id AND one.at < %(at)s::timestamptz
      )
    ORDER BY enough.accepted_at DESC OFFSET %(limit)s LIMIT 1
  ) - %(longest)s::interval, '-infinity')""",
    ),
}

BRANCH = """(
SELECT * FROM ({branch}) AS one({columns})
WHERE at <= %(at)s::timestamptz AND (at, rank, id) < (%(at)s::timestamptz, %(rank)s, %(id)s::uuid)
ORDER BY at DESC, id DESC LIMIT %(limit)s
)"""

PAGE = """
SELECT one.at, one.rank, one.id, one.what, one.detail, one.text, one.envelopes, one.skipped,
    one.size, one.moment, one.reference, coalesce(who.id, owner.id), coalesce(who.name, owner.name),
    whom.id, whom.name, device.id, device.name
FROM (
    SELECT * FROM ({union}) AS every ORDER BY at DESC, rank DESC, id DESC LIMIT %(limit)s
) AS one
LEFT JOIN orgs_membership AS who ON who.id = one.who_id
LEFT JOIN orgs_membership AS whom ON whom.id = one.whom_id
LEFT JOIN keys_device AS device ON device.id = one.device_id
LEFT JOIN orgs_membership AS owner ON owner.id = device.membership_id
ORDER BY one.at DESC, one.rank DESC, one.id DESC
"""

BY = ("-at", "-rank", "-id")
AT_FIRST = ("infinity", 99, "ffffffff-ffff-ffff-ffff-ffffffffffff")
SWEPT_WITHIN = timedelta(days=1)
"""How long after its time an envelope may still wait for the sweep that expires it."""


def strands_of(room: Room, *, traffic: bool) -> list[Strand]:
    """What the timeline of this room can show to this reader."""
    whole = traffic and room.kind == RoomKind.EXTERNAL
    return [strand for strand in Strand if whole or strand not in TRAFFIC]


def timeline(
    room_id: UUID,
    *,
    strands: Collection[Strand],
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Happening]:
    """A page of what happened in a room. Raises Malformed for a cursor that is not one of ours."""
    at, rank, last_id = open_cursor(BY, cursor) if cursor else AT_FIRST
    branches = [branch for strand in strands for branch in BRANCHES[strand]]
    union = " UNION ALL ".join(BRANCH.format(branch=branch, columns=COLUMNS) for branch in branches)
    values: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "room": room_id,
        "at": at,
        "rank": rank,
        "id": last_id,
        "limit": limit + 1,
        "longest": settings.ENVELOPE_MAX_AGE + SWEPT_WITHIN,
    }
    with connection.cursor() as sent:
        sent.execute(PAGE.format(union=union), values)
        found = [Happening(*row) for row in sent.fetchall()]
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], seal_cursor(BY, (last.at, last.rank, last.id)))
