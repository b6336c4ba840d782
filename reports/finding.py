"""People, rooms and companies by what somebody typed, for the forms of reports."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from messaging.models import Room
from messaging.selectors.parties import parties
from messaging.selectors.room_list import rooms, titles_of
from orgs.models import ExternalParty, Membership
from orgs.selectors.members import members
from semafore.kernel.names import called

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHOICES = 20
"""That are offered where several fit what was typed."""


def _choices_of_people(found: Sequence[Membership]) -> list[tuple[UUID, str]]:
    return [
        (one.id, ", ".join(word for word in (called(one), one.unit, one.phone, one.email) if word))
        for one in found
    ]


def _choices_of_rooms(found: Sequence[Room]) -> list[tuple[UUID, str]]:
    titles = titles_of(found)
    return [(one.id, f"{titles[one.id]} ({one.get_kind_display().lower()})") for one in found]


def _choices_of_parties(found: Sequence[ExternalParty]) -> list[tuple[UUID, str]]:
    return [(one.id, one.name) for one in found]


Find = Callable[[str], "QuerySet[Any]"]
Choices = Callable[[Sequence[Any]], list[tuple[UUID, str]]]

FINDING: Mapping[str, tuple[str, Find, Choices]] = {
    "person": (
        "How the name or the phone number begins, or an id. Somebody who has left too.",
        lambda text: members(text=text).order_by("name", "id"),
        _choices_of_people,
    ),
    "room": (
        "How the name begins, or an id. A room of two people is reported on from its page.",
        lambda text: rooms(text=text, traffic=True).order_by("-created_at", "-id"),
        _choices_of_rooms,
    ),
    "party": (
        "How the company's name begins, or an id.",
        lambda text: parties(text=text).order_by("name", "id"),
        _choices_of_parties,
    ),
}
"""For each: how to find them, and what a choice says."""


def found_by(words: str, find: Find) -> list[Any]:
    """By id, else by how the name begins."""
    try:
        return list(find("").filter(id=UUID(words)))
    except ValueError:
        return list(find(words)[:CHOICES])
