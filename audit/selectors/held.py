"""What the audit app holds on a person: events, and what retention knows of them.

The events are read apart from the hook (`held_on_person`): which of them a reader may see depends
on who reads.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import Hold, IndexedEvent, RequestKind, RetentionRequest
from audit.selectors.events import Line, lines
from audit.selectors.reading import CONFIDENTIAL, Reader, unreadable
from audit.sentences import PEOPLE, sentence
from semafore.kernel.hooks import HeldOnPerson, Holding

Row = tuple[object, ...]

BATCH = 500

PERSONAL = frozenset({"member", "device", "invitation", "guest", "operator"})
"""Kinds of what events name whose labels are names of people."""

PARTS = {"actor": "acted", "target": "was acted on", "subject": "was concerned"}

NEUTRAL = frozenset(
    {
        *("message_id", "event_id", "broadcast_id", "room_id", "parent_id", "request_id"),
        *("report_id", "onboarding_id", "link_token_id", "phone_change_id"),
    }
)
"""Data of events that are ids and of nobody."""

OMITTED = frozenset({"identity_key"})
"""Keys are not listed."""

LEFT_OUT = "left out"

EXAMINED = (
    "These entries say that somebody looked at the person: holds, searches, reports, exports. Who "
    "hands out the rest decides first whether these go with it: an investigation may depend on "
    "their being unknown. Other people are named in them."
)

COLUMNS = (
    *("Place in the log", "At", "Type", "What happened", "The person", "Outcome", "Address"),
    *("Program", "Details"),
)


def on_held_on_person(held: HeldOnPerson) -> None:
    """Holds and requests about retention."""
    held.holdings.extend(
        [
            Holding(
                title="Requests to shorten what is kept",
                name="retention_requests",
                columns=("Requested", "Requested by", "Status", "Reason", "Decided", "Decided by"),
                rows=_retention_requests(held),
            ),
            Holding(
                title="Legal holds on the person",
                name="holds",
                columns=(
                    *("Hold", "Room", "From", "Until", "Reason", "Case", "Placed", "Lifted"),
                    "Asked to be lifted",
                ),
                rows=_holds(held),
                note=EXAMINED,
                review=True,
            ),
        ]
    )


def event_holdings(held: HeldOnPerson, reader: Reader) -> list[Holding]:
    """The events that name the person, as far as the reader may read them."""
    ids = held.membership_ids | held.also
    named = Q(actor_member__in=held.membership_ids)
    for column in ("actor_id", "target_id", "subject_id"):
        named |= Q(**{f"{column}__in": ids})
    found = IndexedEvent.objects.filter(named).exclude(unreadable(reader))
    examining = reduce(or_, (Q(type__startswith=one) for one in CONFIDENTIAL))
    return [
        Holding(
            title="Entries of the audit log that name the person",
            name="events",
            columns=COLUMNS,
            rows=(_row(held, line) for line in _all(found.exclude(examining))),
            note="What is typed in an entry about somebody else is left out, and so are keys, and "
            "the addresses of others. An entry about the person stands as it was written.",
        ),
        Holding(
            title="Entries that say that somebody examined the person",
            name="examinations",
            columns=COLUMNS,
            rows=(_row(held, line, masked=False) for line in _all(found.filter(examining))),
            note=EXAMINED,
            review=True,
        ),
    ]


def _all(found: QuerySet[IndexedEvent]) -> Iterator[Line]:
    """In the order of the log, some at a time."""
    after = -1
    while batch := list(found.filter(seq__gt=after).order_by("seq")[:BATCH]):
        yield from lines(batch)
        after = batch[-1].seq


def _row(held: HeldOnPerson, line: Line, *, masked: bool = True) -> Row:
    who, what = line.who or {}, line.what
    parts = {role for role in PARTS if _is_person(held, who.get(role))}
    data = dict(what["data"]) if what else {}
    shown = who
    if masked:
        shown = {role: _one(held, who.get(role)) for role in PEOPLE}
        data = _data(held, data, theirs=_is_of_others(held, who, parts))
    said = sentence({**what, "data": data}, shown if who else None) if what else ""
    own = not masked or "actor" in parts
    return (
        *(line.row.seq, line.row.at, line.row.type, said),
        ", ".join(PARTS[role] for role in PARTS if role in parts),
        *(line.row.outcome, who.get("address", "") if own else ""),
        *(who.get("user_agent", "") if own else "", data),
    )


def _is_person(held: HeldOnPerson, one: Mapping[str, Any] | None) -> bool:
    if not one:
        return False
    given = {UUID(one[name]) for name in ("id", "member") if one.get(name)}
    return not given.isdisjoint(held.membership_ids | held.also)


def _is_of_others(held: HeldOnPerson, who: Mapping[str, Any], parts: set[str]) -> bool:
    """The person did this to somebody else: what was typed is about them."""
    if parts & {"target", "subject"}:
        return False
    acted_on = (who.get(role) for role in ("target", "subject"))
    return any(one and one["kind"] in PERSONAL and not _is_person(held, one) for one in acted_on)


def _one(held: HeldOnPerson, one: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Somebody or something that an event names, the label masked if it is another person's."""
    if not one or one["kind"] not in PERSONAL or _is_person(held, one):
        return one
    if one["kind"] == "operator":
        return {**one, "label": "an operator"}
    known = one.get("member") or one["id"]
    kind = "device" if one["kind"] == "device" and not one.get("member") else "person"
    return {**one, "label": held.masked(UUID(known), kind) if known else "another person"}


def _data(held: HeldOnPerson, data: Any, *, theirs: bool, name: str = "") -> Any:
    """An event's data without other people's ids; of an act on others, without what was typed."""
    match data:
        case dict():
            return {
                key: _data(held, value, theirs=theirs, name=key)
                for key, value in data.items()
                if key not in OMITTED
            }
        case list():
            return [_data(held, value, theirs=theirs, name=name) for value in data]
        case str():
            id_ = _id(data)
            if id_ is not None:
                own = id_ in held.membership_ids or id_ in held.also or name in NEUTRAL
                return data if own else held.masked(id_, "id")
            return LEFT_OUT if theirs else data
    return data


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _retention_requests(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = RetentionRequest.objects.filter(
        Q(requested_by_id__in=ids) | Q(decided_by_id__in=ids), kind=RequestKind.SHORTEN
    )
    for one in found.order_by("requested_at", "id"):
        yield (
            *(one.requested_at, held.masked(one.requested_by_id), one.status),
            *(one.reason if held.mine(one.requested_by_id) else "", one.decided_at),
            held.masked(one.decided_by_id),
        )


def _holds(held: HeldOnPerson) -> Iterator[Row]:
    found = Hold.objects.filter(person_id__in=held.membership_ids).prefetch_related("requests")
    for one in found.order_by("placed_at", "id"):
        yield (
            *(one.id, one.room_label, one.from_at, one.until_at, one.reason, one.case_reference),
            *(one.placed_at, one.lifted_at, [each.requested_at for each in one.requests.all()]),
        )
