"""What the audit app holds on a person who reads it, and on whom others read about.

Apart from the hook (`held_on_person`): what examines the person depends on who reads.
"""

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from django.db.models import Q

from audit.models import Export, ExportDownload, ExportFormat, SavedSearch, SiemDestination
from audit.selectors.exports import exports
from audit.selectors.held import EXAMINED, LEFT_OUT
from audit.selectors.reading import Reader
from semafore.kernel.hooks import HeldOnPerson, Holding

Row = tuple[object, ...]

OF_OTHERS = "What names somebody else is left out."
EXPORTS = ("Asked for", "Asked for by", "As what", "Filters", "Reason", "Case", "Status")
SEARCHES = ("Saved", "Saved by", "Name", "Filters", "Shared")


def reading_holdings(held: HeldOnPerson, reader: Reader) -> list[Holding]:
    """Exports, saved searches and destinations, the person's own and those about the person."""
    ids = held.membership_ids
    asked_for = exports(reader).order_by("requested_at", "id")
    about = asked_for.filter(people__has_any_keys=[str(one) for one in ids])
    saved = SavedSearch.objects.select_related("saved_by").order_by("saved_at", "id")
    others = saved.filter(people__overlap=list(ids)).exclude(saved_by__in=ids)
    theirs = Q(people__overlap=list(reader.own)) & ~Q(saved_by__in=reader.own)
    return [
        Holding(
            title="Exports that the person asked for",
            name="exports",
            columns=EXPORTS,
            rows=(_export(held, one) for one in asked_for.filter(reader__in=ids)),
            note=OF_OTHERS,
        ),
        Holding(
            title="Files of exports that the person fetched",
            name="export_downloads",
            columns=("At", "Address", "As what"),
            rows=_downloads(ids),
        ),
        Holding(
            title="Searches of the audit log that the person saved",
            name="saved_searches",
            columns=SEARCHES,
            rows=(_search(held, one) for one in saved.filter(saved_by__in=ids)),
            note=OF_OTHERS,
        ),
        Holding(
            title="Receivers of events that the person set up",
            name="siem_destinations",
            columns=("Created", "Name", "Format", "Address", "State"),
            rows=_destinations(ids),
        ),
        Holding(
            title="Exports about the person that others asked for",
            name="exports_about",
            columns=EXPORTS,
            rows=(_export(held, one) for one in about.exclude(reader__in=ids)),
            note=EXAMINED,
            review=True,
        ),
        Holding(
            title="Searches about the person that others saved",
            name="saved_searches_about",
            columns=SEARCHES,
            rows=(_search(held, one) for one in others.exclude(theirs)),
            note=EXAMINED,
            review=True,
        ),
    ]


def _export(held: HeldOnPerson, one: Export) -> Row:
    own = held.mine(one.reader_id)
    told = not own or _about_nobody_else(held, map(UUID, one.people))
    return (
        *(one.requested_at, "this person" if own else one.requested_by),
        *(ExportFormat(one.format).label, one.chosen if told else LEFT_OUT),
        *(one.reason if told else LEFT_OUT, one.case_reference if told else LEFT_OUT, one.status),
    )


def _search(held: HeldOnPerson, one: SavedSearch) -> Row:
    own = held.mine(one.saved_by_id)
    told = not own or _about_nobody_else(held, one.people)
    return (
        *(one.saved_at, "this person" if own else one.saved_by.name),
        *(one.name if told else LEFT_OUT, one.filters if told else LEFT_OUT, one.shared),
    )


def _about_nobody_else(held: HeldOnPerson, people: Iterable[UUID]) -> bool:
    return all(map(held.mine, people))


def _downloads(ids: Collection[UUID]) -> Iterator[Row]:
    found = ExportDownload.objects.filter(actor_id__in=ids).select_related("export")
    for one in found.order_by("began_at", "id"):
        yield one.began_at, one.address, ExportFormat(one.export.format).label


def _destinations(ids: Collection[UUID]) -> Iterator[Row]:
    for one in SiemDestination.objects.filter(set_up_by__in=ids).order_by("created_at", "id"):
        yield one.created_at, one.name, one.format, one.address, one.state
