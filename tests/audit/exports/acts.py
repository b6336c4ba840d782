"""Asking for exports, having them written, reading what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audit.models import Export, ExportFormat, IndexedEvent
from audit.selectors.events import EventFilter
from audit.selectors.exports import parts_of
from audit.selectors.reading import Reader
from audit.services.exports import storage
from audit.services.exports.requests import request_export
from audit.services.exports.work import write_exports
from orgs.models import Membership, Organisation
from orgs.roles import permissions_of
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope

CSV, JSON_LINES, BUNDLE = ExportFormat.CSV, ExportFormat.JSON_LINES, ExportFormat.BUNDLE
EVERYTHING = EventFilter()


def reader(person: Membership) -> Reader:
    """Who reads."""
    return Reader(permissions_of(person.kind, person.role), person.id)


@contextmanager
def acting(person: Membership) -> Iterator[None]:
    """As this person at the console of their organisation."""
    actor = Actor(
        kind=ActorKind.MEMBER,
        id=person.id,
        label=person.name,
        membership_id=person.id,
        address="192.0.2.7",
    )
    with acting_as(actor), organisation_scope(person.organisation_id):
        yield


def asked(
    person: Membership,
    as_what: ExportFormat = JSON_LINES,
    chosen: EventFilter = EVERYTHING,
) -> Export:
    """An export that waits."""
    with acting(person):
        return request_export(
            format=as_what,
            chosen=chosen,
            reader=reader(person),
            reason="The regulator asks.",
            case_reference="FCA-7",
        )


def work(of: Organisation) -> int:
    """What a worker does in the organisation; how many exports it took."""
    with acting_as(SYSTEM), organisation_scope(of.id):
        return write_exports()


def again(export: Export) -> Export:
    """As the row stands now."""
    with organisation_scope(export.organisation_id):
        return Export.objects.get(id=export.id)


def content(export: Export) -> bytes:
    """The file whole."""
    found = again(export)
    with organisation_scope(export.organisation_id):
        return b"".join(storage.read(parts_of(found), first=0, last=(found.bytes or 0) - 1))


def written(
    person: Membership,
    as_what: ExportFormat = JSON_LINES,
    chosen: EventFilter = EVERYTHING,
) -> bytes:
    """An export's file, asked for and written."""
    made = asked(person, as_what, chosen)
    work(person.organisation)
    found = again(made)
    assert found.status == "done", (found.status, found.failure)
    return content(made)


def indexed(of: Organisation, size: int, **chosen: Any) -> list[IndexedEvent]:
    """What the database has of the log's first entries."""
    with organisation_scope(of.id):
        return list(IndexedEvent.objects.filter(seq__lt=size, **chosen).order_by("seq"))
