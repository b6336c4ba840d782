"""What the log and retention ask the apps above them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AttemptDenied:
    """A refused act: what was tried, on what, and the refusal's code."""

    act: str
    reason: str
    target_id: UUID | None = None
    denial: object | None = None
    """The audit app's own description, where the service gave one; it goes first."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: what it covers is deleted by nothing. None means any."""

    membership_id: UUID | None
    """A person, as who acts or is acted on, as sender or recipient."""
    room_id: UUID | None
    from_at: datetime | None
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class RetentionSweep:
    """Rows of the current organisation that have lived their time: to be counted, or deleted."""

    metadata_before: datetime
    audit_before: datetime
    existence_before: datetime
    holds: Sequence[Hold]
    """In force; handlers leave alone what any of them covers."""
    batch: int | None
    """At most so many rows of each kind are deleted; None deletes nothing and counts all."""
    rows: dict[str, int] = field(default_factory=dict)
    """Filled by the handlers: how many, by what they are (`messages`, `deliveries`, …)."""
    ended_devices: set[UUID] = field(default_factory=set)
    """Filled by keys: devices that ended before `audit_before`; events of their keys go."""


@dataclass(frozen=True, slots=True)
class EventsConcerning:
    """Events that may concern one of these people, beyond what stands in the events."""

    event_ids: frozenset[UUID]
    membership_ids: frozenset[UUID]
    found: set[UUID] = field(default_factory=set)
    """Filled by the handlers: of messages, those that a device of theirs was to get."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A table of what is held on a person, in one part of the product."""

    title: str
    """In plain words: "Devices", "Rooms"."""
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]
    """As many values as there are columns; read once, after all handlers have run."""
    name: str
    """Lower-case letters and `_`: what the file of it is called."""
    note: str = ""
    """What the table leaves out, and why."""
    review: bool = False
    """It tells that somebody examines the person: it is looked at before it is handed out."""


@dataclass(frozen=True, slots=True)
class HeldOnPerson:
    """Everything that the current organisation holds on a person; other people are masked."""

    membership_ids: frozenset[UUID]
    """All of the person's memberships in it, ended ones too."""
    holdings: list[Holding] = field(default_factory=list)
    """Filled by the handlers. Never a key, token, code or content."""
    also: set[UUID] = field(default_factory=set)
    """Filled by the handlers: other ids by which events name the person, as their devices'."""
    _others: dict[UUID, int] = field(default_factory=dict, init=False, repr=False)

    def masked(self, id_: UUID | None, kind: str = "person") -> str:
        """The words "this person", or "another person 3": the same number for the same id.

        `kind` says what else it is the id of; None is nobody.
        """
        if id_ is None:
            return ""
        if id_ in self.membership_ids or id_ in self.also:
            return f"this {kind}" if kind == "person" else f"this person's {kind}"
        return f"another {kind} {self._others.setdefault(id_, len(self._others) + 1)}"

    def mine(self, id_: UUID | None) -> bool:
        """Whether a membership is the person's."""
        return id_ in self.membership_ids


@dataclass(frozen=True, slots=True)
class Known:
    """A person, a device or a room of the current organisation, as it is called today."""

    kind: str
    """As events name it: `member`, `device`, `room`."""
    id: UUID
    label: str
    hint: str = ""
    """What tells it from others of the same name."""
    membership_id: UUID | None = None
    """The person, or whose device it is."""
    person: str = ""
    """That person's name."""


@dataclass(frozen=True, slots=True)
class KnownBy:
    """People, devices and rooms by their ids, or by what somebody typed: name, number or id."""

    ids: frozenset[UUID] = frozenset()
    words: str = ""
    found: list[Known] = field(default_factory=list)
    """Filled by the handler; of what was typed, a few that fit."""
