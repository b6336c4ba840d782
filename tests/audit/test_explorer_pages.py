"""What a filter finds, page by page: the same, in the same order, as a look at each event."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import ProgrammingError

from audit.models import IndexedEvent, Span
from audit.models.spans import STRETCH
from audit.selectors import pages
from audit.selectors.events import EventFilter, events
from audit.selectors.reading import Reader
from orgs.models import MembershipKind, Organisation, Role
from orgs.roles import permissions_of
from semafore.kernel.ids import uuid7
from tests.cast import inside

OWNER = Reader(permissions_of(MembershipKind.MEMBER, Role.OWNER), uuid4())
ADMIN = Reader(permissions_of(MembershipKind.MEMBER, Role.ADMIN), uuid4())
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

PERSON, OTHER, DEVICE, ROOM, MESSAGE = (uuid4() for _ in range(5))


def indexed(of: Organisation, seq: int, kind: str, event_class: int, **more: Any) -> IndexedEvent:
    """An event as the sequencer indexes it."""
    return IndexedEvent(
        organisation_id=of.id,
        seq=seq,
        event_id=uuid7(),
        event_class=event_class,
        type=kind,
        **{"at": NOON + seq * MINUTE, "outcome": "success"} | more,
    )


def by_device(person: UUID, device: UUID) -> dict[str, Any]:
    return {"actor_kind": "device", "actor_id": device, "actor_member": person}


def at_console(person: UUID) -> dict[str, Any]:
    return {"actor_kind": "member", "actor_id": person, "actor_member": person}


KINDS: list[tuple[str, int, dict[str, Any]]] = [
    ("message.accepted", 2, by_device(PERSON, DEVICE) | {"room_id": ROOM, "message_id": MESSAGE}),
    ("message.accepted", 2, by_device(OTHER, uuid4()) | {"room_id": ROOM, "address": "192.0.2.7"}),
    ("message.delivered", 2, by_device(PERSON, uuid4()) | {"room_id": uuid4()}),
    ("key_bundle.claimed", 6, by_device(OTHER, uuid4()) | {"target_id": DEVICE}),
    ("access.denied", 6, by_device(PERSON, DEVICE) | {"outcome": "denied", "address": "192.0.2.7"}),
    ("member.suspended", 1, at_console(OTHER) | {"target_id": PERSON, "address": "192.0.2.7"}),
    ("member.suspended", 1, at_console(PERSON) | {"target_id": OTHER}),
    ("room.member_added", 1, at_console(OTHER) | {"target_id": PERSON, "room_id": ROOM}),
    ("device.approved", 3, at_console(OTHER) | {"target_id": DEVICE, "subject_id": PERSON}),
    ("sign_in.refused", 1, {"outcome": "denied", "address": "192.0.2.8"}),
    ("hold.placed", 4, at_console(OTHER) | {"subject_id": OWNER.membership_id}),
    ("hold.placed", 4, at_console(PERSON) | {"subject_id": PERSON}),
    ("audit.searched", 1, at_console(PERSON)),
    ("gone.by", 1, at_console(PERSON)),  # A type that is no longer registered.
]

FILTERS = [
    EventFilter(),
    EventFilter(actor=PERSON),
    EventFilter(actor=DEVICE),
    EventFilter(action="message.accepted"),
    EventFilter(action="member.suspended"),
    EventFilter(action="gone.by"),
    EventFilter(target=PERSON),
    EventFilter(target=DEVICE),
    EventFilter(room=ROOM),
    EventFilter(outcome="denied"),
    EventFilter(outcome="success"),
    EventFilter(address="192.0.2.7"),
    EventFilter(message=MESSAGE),
    EventFilter(about=PERSON),
    EventFilter(about=DEVICE),
    EventFilter(about=ROOM),
    EventFilter(actor=PERSON, about=ROOM),
    EventFilter(actor=PERSON, action="message.accepted"),
    EventFilter(room=ROOM, action="room.member_added"),
    EventFilter(actor=OTHER, outcome="success", room=ROOM),
    EventFilter(from_at=NOON + 20 * MINUTE, to_at=NOON + 40 * MINUTE),
    EventFilter(to_at=NOON + 33 * MINUTE, actor=PERSON),
    EventFilter(from_at=NOON + 77 * MINUTE, action="message.accepted"),
    EventFilter(actor=uuid4()),
    EventFilter(about=uuid4()),
]


@pytest.fixture
def log(acme: Organisation) -> list[IndexedEvent]:
    """Of Acme, each kind ten times, in some order."""
    made = [
        indexed(acme, seq, name, event_class, **more)
        for seq, (name, event_class, more) in enumerate(
            KINDS[(turn * 5 + number * 3) % len(KINDS)]
            for turn in range(10)
            for number in range(len(KINDS))
        )
    ]
    with inside(acme):
        return IndexedEvent.objects.bulk_create(made)


def fits(one: IndexedEvent, chosen: EventFilter) -> bool:
    """The filter as its names say, event by event."""
    acts = {one.actor_member, one.actor_id}
    return all(
        (
            chosen.from_at is None or one.at >= chosen.from_at,
            chosen.to_at is None or one.at < chosen.to_at,
            chosen.action in {"", one.type},
            chosen.actor is None or chosen.actor in acts,
            chosen.target in {None, one.target_id},
            chosen.room in {None, one.room_id},
            chosen.outcome in {"", one.outcome},
            chosen.address in {"", one.address},
            chosen.message in {None, one.message_id},
            chosen.about is None
            or chosen.about in acts | {one.target_id, one.subject_id, one.room_id},
        )
    )


def shown_to(one: IndexedEvent, reader: Reader) -> bool:
    """The table of product.md, section 1."""
    if reader is ADMIN:
        return one.event_class not in {2, 6} and not one.type.startswith(("hold.", "audit."))
    return one.subject_id != reader.membership_id


def seqs(found: Iterable[IndexedEvent]) -> list[int]:
    return [one.seq for one in found]


@pytest.mark.parametrize("reader", [OWNER, ADMIN], ids=["owner", "admin"])
@pytest.mark.parametrize("chosen", FILTERS, ids=lambda chosen: "+".join(chosen.given()) or "none")
def test_pages_show_what_fits_and_may_be_read(
    acme: Organisation,
    globex: Organisation,
    log: list[IndexedEvent],
    chosen: EventFilter,
    reader: Reader,
) -> None:
    with inside(globex):
        IndexedEvent.objects.bulk_create(
            indexed(globex, seq, name, event_class, **more)
            for seq, (name, event_class, more) in enumerate(KINDS)
        )
    expected = [one.seq for one in log if fits(one, chosen) and shown_to(one, reader)]

    with inside(acme):
        assert seqs(events(reader, chosen).order_by("seq")) == expected
        onwards: list[int] = []
        while page := pages.next_events(
            reader, chosen, after=onwards[-1] if onwards else -1, limit=7
        ):
            onwards += seqs(page)
        back: list[int] = []
        while page := pages.previous_events(
            reader, chosen, before=back[-1] if back else None, limit=7
        ):
            back += seqs(page)
    assert onwards == expected
    assert back == expected[::-1]


# Times


def test_times_that_do_not_rise_with_the_place_are_found_all(acme: Organisation) -> None:
    """An hour late, a clock that was years off, an event between two stretches."""
    ages = [0, 1, 2, 3, 400, 5, 6, 2, 8, 9, 10, 11]
    places = [number * STRETCH + 17 for number in range(len(ages))]
    made = [
        indexed(acme, seq, "member.suspended", 1, at=NOON + timedelta(days=age))
        for seq, age in zip(places, ages, strict=True)
    ]
    with inside(acme):
        IndexedEvent.objects.bulk_create(made)
        for start in range(-1, 13):
            for end in (start + 1, start + 4, 500):
                chosen = EventFilter(
                    from_at=NOON + timedelta(days=start), to_at=NOON + timedelta(days=end)
                )
                expected = [
                    seq for seq, age in zip(places, ages, strict=True) if start <= age < end
                ]
                assert seqs(pages.next_events(OWNER, chosen, after=-1, limit=50)) == expected
                back = pages.previous_events(OWNER, chosen, before=None, limit=50)
                assert seqs(back) == expected[::-1]


def test_more_runs_than_are_looked_up_apart(acme: Organisation) -> None:
    number = 2 * (pages.RUNS_MAX + 1)
    made = [
        indexed(acme, place * STRETCH, "member.suspended", 1, at=NOON + place % 2 * MINUTE)
        for place in range(number)
    ]
    with inside(acme):
        IndexedEvent.objects.bulk_create(made)
        chosen = EventFilter(from_at=NOON, to_at=NOON + MINUTE)
        found = seqs(pages.next_events(OWNER, chosen, after=-1, limit=50))
    assert found == [place * STRETCH for place in range(0, number, 2)]


def test_spans_only_widen(acme: Organisation) -> None:
    with inside(acme):
        for seq, at in ((5, NOON), (STRETCH - 1, NOON + MINUTE), (7, NOON - MINUTE)):
            indexed(acme, seq, "member.suspended", 1, at=at).save(force_insert=True)
        (span,) = Span.objects.all()
        assert (span.number, span.earliest, span.latest) == (0, NOON - MINUTE, NOON + MINUTE)
        for refused in (
            {"earliest": NOON},
            {"latest": NOON},
            {"number": 3},
        ):
            with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
                Span.objects.update(**refused)
        with (
            pytest.raises((InternalError, ProgrammingError)),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("DELETE FROM audit_span")
        assert Span.objects.count() == 1
