"""What a report can be asked, and how an event keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from reports.errors import ReportTerms
from semafore.kernel import clock

DEFAULT_DAYS = 30
LONGEST_CHANGES = timedelta(days=3660)
"""The longest period over which changes are listed."""
DAYS_OF_WEEK = range(1, 8)
"""As ISO 8601 counts: Monday is 1."""
HOURS = 24
WORK_DAYS = (1, 2, 3, 4, 5)
WORK_FROM, WORK_UNTIL = 8, 18
"""Working hours, if nothing else is said."""


class Kind(StrEnum):
    """The three reports, as addresses name them."""

    GRAPH = "communication-graph"
    TIMING = "timing"
    MEMBERSHIP = "membership"

    @property
    def words(self) -> str:
        """For people, and for the log."""
        return WORDS[self]


WORDS: Mapping[Kind, str] = {
    Kind.GRAPH: "communication graph",
    Kind.TIMING: "timing",
    Kind.MEMBERSHIP: "membership",
}

PARAMETERS: Mapping[Kind, tuple[str, ...]] = {
    Kind.GRAPH: ("from_at", "to_at", "broadcasts"),
    Kind.TIMING: ("from_at", "to_at", "time_zone", "work_days", "work_from", "work_until"),
    Kind.MEMBERSHIP: ("at", "from_at", "to_at"),
}
"""What each asks beside whom or what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One report: about a person, a room, a party or, with none of them, the organisation."""

    kind: Kind
    from_at: datetime
    to_at: datetime
    """Not included."""
    person: UUID | None = None
    room: UUID | None = None
    party: UUID | None = None
    broadcasts: bool = True
    """Whether broadcasts count as messages of their sender to everybody whom they reached."""
    at: datetime | None = None
    """Of membership: the moment."""
    time_zone: str = "UTC"
    work_days: tuple[int, ...] = WORK_DAYS
    work_from: int = WORK_FROM
    """Hours of the day in the time zone; `work_until` is the first hour after work."""
    work_until: int = WORK_UNTIL

    def parameters(self) -> dict[str, Any]:
        """For the event; people, rooms and parties stand elsewhere in it."""
        found = {name: getattr(self, name) for name in PARAMETERS[self.kind]}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
        }


def question_of(kind: str, parameters: Mapping[str, Any], about: Mapping[str, Any]) -> Question:
    """The question that an event keeps: its parameters as JSON has them."""
    values = dict(parameters)
    for name in ("from_at", "to_at", "at"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    if "work_days" in values:
        values["work_days"] = tuple(values["work_days"])
    return Question(kind=Kind(kind), **values, **about)


def check_question(question: Question, *, metadata_days: int) -> None:
    """Raises ReportTerms for what no report answers."""
    about = [one for one in (question.person, question.room, question.party) if one]
    if question.to_at <= question.from_at:
        raise ReportTerms("The period ends before it begins.")
    length = question.to_at - question.from_at
    match question.kind:
        case Kind.GRAPH:
            _check(len(about) == 1, "Name one person, one room or one external party.")
        case Kind.TIMING:
            _check(len(about) <= 1 and not question.party, "Name one person, one room or neither.")
            _check_hours(question)
        case Kind.MEMBERSHIP:
            _check(not (question.person or question.party), "Name a room, or nothing.")
            _check(
                question.at is not None and question.at <= clock.now(),
                "Name a moment that has come.",
            )
    if question.kind is Kind.MEMBERSHIP:
        _check(length <= LONGEST_CHANGES, "The period is longer than ten years.")
    else:
        _check(
            length <= timedelta(days=metadata_days),
            f"The period is longer than {metadata_days} days, for which metadata is kept.",
        )


def _check_hours(question: Question) -> None:
    _check(question.time_zone in available_timezones(), "There is no such time zone.")
    _check(
        set(question.work_days) <= set(DAYS_OF_WEEK)
        and 0 <= question.work_from < question.work_until <= HOURS,
        "Working hours begin before they end, on days from 1 to 7.",
    )


def _check(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise ReportTerms(otherwise)
