"""Whom a look at the log examines, and what the log says of it: its subject can't read it.

An event has one subject, and anybody else who stands in it may read it. So each person whom the
filters name gets an event of their own, in which the others aren't named.
"""

from collections.abc import Callable, Mapping
from typing import Any

from audit.registry import What
from audit.selectors.known import ids_in, known
from audit.services.recording import Fact, Ref, record_many

SOMEBODY_ELSE = "another person"
"""For the id of a person in an event about another one, who must not be told by it."""


def people_in(filters: Mapping[str, Any]) -> dict[str, Ref]:
    """The person behind each filter that names one, or whose device; nobody whom nobody knows."""
    ids = ids_in(filters)
    found = known(ids.values())
    return {
        place: Ref("member", one.membership_id, one.person)
        for place, wanted in ids.items()
        if (one := found.get(wanted)) and one.membership_id
    }


def record_examination(
    filters: Mapping[str, Any],
    said: Callable[[dict[str, Any]], What],
    *,
    target: Ref | None = None,
) -> None:
    """Record what examines whomever the filters name: `said` of the filters as each may see them.

    One event about nobody where they name nobody.
    """
    people = people_in(filters)
    subjects: dict[Any, Ref | None] = {one.id: one for one in people.values()}
    record_many(
        [
            Fact(said(_told_about(subject, filters, people)), target=target, subject=subject)
            for subject in subjects.values() or [None]
        ]
    )


def _told_about(
    subject: Ref | None, filters: Mapping[str, Any], people: Mapping[str, Ref]
) -> dict[str, Any]:
    """The filters as the event about this person gives them."""
    others = {place for place, one in people.items() if subject is None or one.id != subject.id}
    return {name: SOMEBODY_ELSE if name in others else value for name, value in filters.items()}
