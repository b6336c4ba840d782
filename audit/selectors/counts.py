"""How many events a filter finds, by actor, action or day: of the newest ones, so it stays fast."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from audit.models import IndexedEvent
from audit.selectors.events import EventFilter
from audit.selectors.pages import in_order
from audit.selectors.reading import Reader
from semafore.kernel.database import reading_cursor
from semafore.kernel.tenancy import current_organisation_id

By = Literal["actor", "action", "day"]

COUNTED = 10_000
"""Events that are counted, at most."""

KEYS: dict[By, str] = {
    "actor": "coalesce(coalesce(actor_member, actor_id)::text, actor_kind)",
    "action": "type",
    "day": "(at AT TIME ZONE 'UTC')::date::text",
}
"""A person's devices count as the person; a day is one of UTC; null is what retention deleted."""

COLUMNS = ("actor_member", "actor_id", "actor_kind", "type", "at")

WIDER = 16
"""Times as many places are looked at next where the last ones held nothing."""

NAMES = """
SELECT indexed.seq, convert_from(event.who, 'UTF8')::jsonb -> 'actor' ->> 'label'
FROM audit_event_index AS indexed
JOIN audit_event AS event
  ON event.organisation_id = indexed.organisation_id AND event.id = indexed.event_id
WHERE indexed.organisation_id = %(organisation)s::uuid AND indexed.seq = ANY(%(seqs)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines of key, label and number.

    By number, the highest first, then who came last; days, the newest first.
    """

    lines: list[tuple[str, str, int]]
    """The key is a membership's or other actor's id, or the kind of one that has none; a type; or a
    date. Empty where retention deleted it."""
    seen: int
    """Events that were counted."""
    all: bool
    """Whether these are all that the filter finds."""


def counts(reader: Reader, chosen: EventFilter, by: By) -> Counts:
    """Of the newest COUNTED events that fit and that the reader may read."""
    found = _newest(reader, chosen, KEYS[by])
    counted = found[:COUNTED]
    numbers = Counter(key for _, key in counted)
    newest = dict(reversed([(key, seq) for seq, key in counted]))
    labels = _names(newest) if by == "actor" else {}
    made = [(key, labels.get(key) or key, number) for key, number in numbers.items()]
    if by == "day":
        made.sort(reverse=True)
    else:
        made.sort(key=lambda line: -line[2])
    return Counts(made, seen=len(counted), all=len(found) == len(counted))


def _newest(reader: Reader, chosen: EventFilter, key: str) -> list[tuple[int, str]]:
    """Place and key of one more than are counted, if there are so many, the newest first.

    Stretch by stretch: asked for all at once, each type would be asked for so many.
    """
    last = IndexedEvent.objects.order_by("-seq").values_list("seq", flat=True).first()
    end, width = (0 if last is None else last + 1), 2 * COUNTED
    found: list[tuple[int, str]] = []
    while end > 0 and len(found) <= COUNTED:
        start, wanted = max(end - width, 0), COUNTED + 1 - len(found)
        statement, parameters = in_order(
            reader, chosen, order="-seq", places=(start, end), limit=wanted, columns=COLUMNS
        )
        with reading_cursor() as cursor:
            cursor.execute(
                f"SELECT seq, coalesce({key}, '') FROM ({statement}) AS every ORDER BY seq DESC",  # noqa: S608
                parameters,
            )
            rows = cursor.fetchall()
        found += rows
        # As many as hold what is still wanted, if it stands as close there as here, and some more.
        width = width * min(WIDER, 2 * wanted // len(rows)) if rows else width * WIDER
        end = start
    return found


def _names(newest: dict[str, int]) -> dict[str, str]:
    """The actors' names as the newest event of each gives them."""
    with reading_cursor() as cursor:
        cursor.execute(
            NAMES, {"organisation": current_organisation_id(), "seqs": list(newest.values())}
        )
        by_seq = dict(cursor.fetchall())
    return {key: by_seq.get(seq) or "" for key, seq in newest.items()}
