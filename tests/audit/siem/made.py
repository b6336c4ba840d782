"""Events of every registered type, with values made from what their types declare."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from audit.commitments import canonical
from audit.registry import REGISTRY, What
from audit.services.recording import Fact, Ref, who_part
from audit.siem.outgoing import Outgoing
from semafore.kernel.actor import SYSTEM, Actor, ActorKind

NASTY = 'She said: "no" \\ [a] {b} x=y | é 漢字 🦊\nnext\r\nlast\tend\x1b\x7f\u2028.'
"""What people could type where they may type anything."""

AT = datetime(2026, 11, 21, 9, 30, 47, 482_999, tzinfo=UTC)


def _id(number: int) -> UUID:
    return UUID(f"0199a1b2-0000-7000-8000-{number:012x}")


ORGANISATION, EVENT, MEMBER, DEVICE, OTHER, ROOM, APPROVAL = map(_id, range(1, 8))

CONSOLE = Actor(
    kind=ActorKind.MEMBER,
    id=MEMBER,
    label="Alice",
    membership_id=MEMBER,
    address="203.0.113.24",
    user_agent="Mozilla/5.0 (X11; Linux x86_64)",
    request_id="0b6f4c1e",
)
PHONE = Actor(
    kind=ActorKind.DEVICE,
    id=DEVICE,
    label="Bob, Bob's phone",
    membership_id=OTHER,
    address="2001:db8::17",
    user_agent="SemaFore/1.4.0",
    request_id="0b6f4c1f",
)
PROGRAM = Actor(kind=ActorKind.SERVICE, id=OTHER, label="Monitor", address="192.0.2.9")
STRANGER = Actor(kind=ActorKind.ANONYMOUS, address="not an address")
ACTORS = {
    "console": CONSOLE,
    "phone": PHONE,
    "program": PROGRAM,
    "server": SYSTEM,
    "nobody": STRANGER,
}


def value_of(hint: Any, text: str) -> Any:
    """A value of a declared type."""
    if get_origin(hint) is UnionType:
        return value_of(get_args(hint)[0], text)
    if get_origin(hint) is list:
        return [value_of(get_args(hint)[0], text)]
    if get_origin(hint) is dict:
        return {"first": value_of(get_args(hint)[1], text), "second": value_of(str, text)}
    made = {
        str: text,
        int: 7,
        bool: True,
        UUID: APPROVAL,
        bytes: bytes(32),
        datetime: AT,
        Any: text,
    }
    return made[hint]


def type_named(name: str) -> type[What]:
    """The class of an event type."""
    return next(kind for kind in What.__subclasses__() if kind.type.name == name)


def what_of(name: str, text: str) -> What:
    """The typed data of an event."""
    kind = type_named(name)
    hints = get_type_hints(kind)
    return kind(**{field: value_of(hints[field], text) for field in kind.__dataclass_fields__})


REFS: Mapping[str, tuple[Ref | None, Ref | None, Ref | None]] = {
    "person": (Ref("member", OTHER, "Bob"), None, None),
    "device": (Ref("device", DEVICE, "Bob's phone"), Ref("member", OTHER, "Bob"), None),
    "room": (Ref("member", OTHER, "Bob"), None, Ref("room", ROOM, "Incident 7")),
    "thing": (Ref("hold", _id(9), "HR-2041"), Ref("member", OTHER, "Bob"), None),
    "organisation": (Ref("organisation", ORGANISATION, "Acme"), None, None),
    "unknown": (Ref("unknown", _id(9)), None, None),
    "none": (None, None, None),
}
"""Target, subject and room, as events have them."""


def outgoing(  # noqa: PLR0917 - each of them varies
    name: str,
    actor: Actor | None = CONSOLE,
    refs: str = "person",
    text: str = "Ticket HR-2041",
    seq: int = 48213,
    denied: int = 0,
    event_id: UUID = EVENT,
) -> Outgoing:
    """An event as it was recorded; without an actor, as retention left it."""
    what = what_of(name, text)
    target, subject, room = REFS[refs]
    attempts = {"count": denied, "first_at": AT, "last_at": AT}
    recorded: dict[str, Any] = {
        "id": event_id,
        "type": name,
        "time": AT,
        "outcome": "denied" if denied else "success",
        "data": what.data(),
        **({"attempts": attempts} if denied else {}),
    }
    who = actor and who_part(actor, Fact(what, target, subject, room))
    return Outgoing(
        organisation_id=ORGANISATION,
        seq=seq,
        event_id=event_id,
        event_class=REGISTRY[name].event_class,
        leaf=bytes(range(32)),
        what=json.loads(canonical(recorded)),
        who=json.loads(canonical(who)) if who else None,
    )
