"""The investigation from which a page was reached: `?investigation=`, the id of its event."""

from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict
from django.utils.http import urlencode

from audit.selectors.reading import Reader
from audit.services.reading import view_event
from semafore.kernel.problems import NotFound

PARAMETER = "investigation"
OPENED = "investigation.opened"
"""The type of its event, which the console app declares."""


@dataclass(frozen=True, slots=True)
class Case:
    """Why it was opened, and of whom or what it is."""

    reason: str
    case_reference: str
    person: UUID | None
    room: UUID | None

    def why(self) -> dict[str, str]:
        """What forms ask for, as their first values."""
        return {"reason": self.reason, "case_reference": self.case_reference}


def case_of(query: QueryDict, reader: Reader) -> Case | None:
    """The case of an address; None where it names none. The look at it is an event.

    Raises NotFound for what is no investigation, and for one that the reader may not read.
    """
    wanted = query.get(PARAMETER)
    if not wanted:
        return None
    try:
        event_id = UUID(wanted)
    except ValueError:
        raise NotFound from None
    found = view_event(event_id=event_id, reader=reader)
    if not found.what or found.what["type"] != OPENED:
        raise NotFound
    who, data = found.who or {}, found.what["data"]
    return Case(data["reason"], data["case_reference"], _id(who, "subject"), _id(who, "room"))


def _id(who: dict[str, dict[str, str] | None], role: str) -> UUID | None:
    one = who.get(role)
    return UUID(one["id"]) if one else None


def carried(query: QueryDict) -> str:
    """The case in the addresses that a page leads on to: `?investigation=…`, or nothing."""
    wanted = query.get(PARAMETER)
    return f"?{urlencode({PARAMETER: wanted})}" if wanted else ""
