"""Who and what ids and typed words mean today, as far as the organisation knows them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from semafore.kernel.hooks import Known, KnownBy, known_by

PLACES = ("actor", "target", "room", "about")
"""The filters that name somebody or something."""


def known(ids: Iterable[UUID]) -> dict[UUID, Known]:
    """People, devices and rooms by id; what was deleted, or never was, is left out."""
    asked = KnownBy(ids=frozenset(ids))
    if asked.ids:
        known_by(asked)
    return {one.id: one for one in asked.found}


def called(words: str, kinds: Collection[str]) -> list[Known]:
    """A few of these kinds that fit what somebody typed."""
    asked = KnownBy(words=words)
    known_by(asked)
    return [one for one in asked.found if one.kind in kinds]


def ids_in(filters: Mapping[str, Any]) -> dict[str, UUID]:
    """The ids of the filters that name somebody or something."""
    return {place: UUID(str(filters[place])) for place in PLACES if filters.get(place)}
