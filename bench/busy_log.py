"""A log of a million whole events, as an organisation of four hundred makes them in a quarter."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction
from psycopg.types.numeric import Int2

from audit.events.denials import AccessDenied
from audit.events.reading import AuditSearched
from audit.logs import log_of
from audit.registry import EventType, What
from audit.services.recording import COLUMNS, EventParts, Fact, Ref, event_parts, who_part
from audit.services.sequencer import sequence
from keys.events import KeyBundleClaimed, SignedPreKeyRotated
from messaging.events.messages import MessageAccepted, MessageDelivered
from messaging.events.rooms import RoomMemberAdded
from orgs.events.people import MemberRoleChanged, MemberSuspended
from orgs.events.sign_in import ConsoleEntered
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = 400
ROOMS = 150
QUARTER = timedelta(days=90)
HOURS = 100
"""Events in the first hours."""
BATCH = 20_000
SAMPLED = 0.0001
"""Of the messages, whose ids are remembered."""
MIX: dict[type[What], float] = {
    MessageAccepted: 62,
    MessageDelivered: 20,
    KeyBundleClaimed: 10,
    AccessDenied: 3,
    SignedPreKeyRotated: 2,
    ConsoleEntered: 1,
    AuditSearched: 1,
    RoomMemberAdded: 0.7,
    MemberSuspended: 0.3,
}
"""Percent: traffic is most of a log."""

BY_DEVICES = {
    MessageAccepted,
    MessageDelivered,
    KeyBundleClaimed,
    AccessDenied,
    SignedPreKeyRotated,
}

EVENTS = f"COPY audit_event (organisation_id, {', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
PENDING = "COPY audit_pending (organisation_id, event_id, entry) FROM STDIN (FORMAT BINARY)"


@dataclass(slots=True)
class BusyLog:
    """Who and what is in it. The first person sends a tenth of all, and did little else."""

    organisation_id: UUID
    people: list[UUID]
    devices: list[UUID]
    rooms: list[UUID]
    began: datetime
    events: int
    chance: random.Random
    messages: list[UUID] = field(default_factory=list)
    """Some of them, by their senders' ids."""

    def at(self, part: float) -> datetime:
        """The time after this part of the quarter."""
        return self.began + part * QUARTER

    def new_id(self) -> UUID:
        """As good as random, and the same each time."""
        return UUID(int=self.chance.getrandbits(128), version=4)


OFFICE = "192.0.2.1"
"""Where half of all comes from."""
ONCE = "203.0.113.250"
"""Where the first thing of all came from, and no other."""


def fill(organisation_id: UUID, *, events: int) -> BusyLog:
    """So many events, committed to as the application does it, and placed by the sequencer."""
    made = BusyLog(
        organisation_id,
        [],
        [],
        [],
        clock.now() - QUARTER,
        events,
        random.Random(1),  # noqa: S311 - the same each time
    )
    made.people = [made.new_id() for _ in range(PEOPLE)]
    made.devices = [made.new_id() for _ in range(PEOPLE)]
    made.rooms = [made.new_id() for _ in range(ROOMS)]
    log = log_of(organisation_id)
    for first in range(0, events, BATCH):
        numbers = range(first, min(first + BATCH, events))
        _write(organisation_id, [_event(made, number) for number in numbers])
        while sequence(log):
            pass
    return made


def _event(made: BusyLog, number: int) -> EventParts:
    chance = made.chance
    # Acts commit out of order: by seconds, and now and then by an hour.
    late = 3600 if chance.random() < 0.0001 else chance.expovariate(1 / 5)
    at = made.at(number / made.events) - timedelta(seconds=late)
    kind = MemberRoleChanged if number == 0 else chance.choices(list(MIX), list(MIX.values()))[0]
    fact = _fact(made, kind)
    first = number == 0
    # At the console the busiest was in the first hours alone.
    person = _rank(chance, PEOPLE)
    if kind not in BY_DEVICES and number >= HOURS and not person:
        person = 1
    actor = _actor(made, 0 if first else person, by_device=kind in BY_DEVICES)
    if first:
        actor = replace(actor, address=ONCE)
    event_type: EventType = fact.what.type
    denied = kind is AccessDenied
    return event_parts(
        event_type,
        who_part(actor, fact),
        fact.what.data(),
        outcome="denied" if denied else "success",
        at=at,
        attempts={"count": 1, "first_at": at, "last_at": at} if denied else None,
    )


def _rank(chance: random.Random, number: int) -> int:
    """Few do most: the first a tenth of all."""
    return int(number * chance.random() ** 2.6)


def _actor(made: BusyLog, person: int, *, by_device: bool) -> Actor:
    chance = made.chance
    member = made.people[person]
    return Actor(
        kind=ActorKind.DEVICE if by_device else ActorKind.MEMBER,
        id=made.devices[person] if by_device else member,
        label=f"Person {person}",
        membership_id=member,
        address=OFFICE if chance.random() < 0.5 else f"198.51.{person // 250}.{person % 250}",
        user_agent="SemaFore/1.0.0 (bench)",
        request_id=f"{chance.getrandbits(128):032x}",
    )


def _fact(made: BusyLog, kind: type[What]) -> Fact:
    chance = made.chance
    place, other = _rank(chance, ROOMS), chance.randrange(1, PEOPLE)
    room = Ref("room", made.rooms[place], f"Room {place}")
    person = Ref("member", made.people[other], f"Person {other}")
    device = Ref("device", made.devices[other], "Phone")
    number = chance.getrandbits(20)
    makers: dict[type[What], Callable[[], Fact]] = {
        MessageAccepted: lambda: Fact(_message(made), room=room, recipients_root=bytes(32)),
        MessageDelivered: lambda: Fact(MessageDelivered(message_id=made.new_id()), room=room),
        KeyBundleClaimed: lambda: Fact(
            KeyBundleClaimed(claims=[{"device_id": device.id, "key_id": number}]),
            target=device,
            subject=person,
        ),
        AccessDenied: lambda: Fact(
            AccessDenied(act="GET rooms", reason="not_permitted"), target=device
        ),
        SignedPreKeyRotated: lambda: Fact(
            SignedPreKeyRotated(key_id=number, superseded_key_id=None), target=device
        ),
        ConsoleEntered: lambda: Fact(ConsoleEntered(), target=person),
        AuditSearched: lambda: Fact(AuditSearched(filters={}, newest=None, oldest=None)),
        RoomMemberAdded: lambda: Fact(RoomMemberAdded(role="member"), target=person, room=room),
        MemberSuspended: lambda: Fact(MemberSuspended(reason="left"), target=person),
        MemberRoleChanged: lambda: Fact(
            MemberRoleChanged(before="member", after="admin"), target=person
        ),
    }
    return makers[kind]()


def _message(made: BusyLog) -> MessageAccepted:
    message_id = made.new_id()
    if made.chance.random() < SAMPLED or not made.messages:
        made.messages.append(message_id)
    return MessageAccepted(
        message_id=message_id,
        content_root=made.chance.randbytes(32),
        envelopes=50,
        skipped=0,
        total_bytes=30_000,
        commitment=None,
    )


@transaction.atomic
def _write(organisation_id: UUID, events: list[EventParts]) -> None:
    """Events and their outbox rows, as `record()` writes them, many at a time."""
    with connection.cursor() as cursor, cursor.copy(EVENTS) as copy:
        copy.set_types(["uuid", "uuid", "int2", *["bytea"] * 6])
        for event in events:
            row = event.committed
            copy.write_row(
                (
                    organisation_id,
                    event.id,
                    Int2(event.event_class),
                    row.who,
                    row.who_opening,
                    row.c_who,
                    row.what,
                    row.what_opening,
                    row.c_what,
                )
            )
    with connection.cursor() as cursor, cursor.copy(PENDING) as copy:
        copy.set_types(["uuid", "uuid", "bytea"])
        for event in events:
            copy.write_row((organisation_id, event.id, event.committed.entry))
