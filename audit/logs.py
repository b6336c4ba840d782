"""Which log: an organisation's, or the platform's own of acts without an organisation.

Both stand in tables of the same columns; an organisation's rows bear its id.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings

from semafore.kernel.tenancy import current_organisation_id

PLATFORM_LOG_ID = "platform"


@dataclass(frozen=True, slots=True)
class Log:
    """One log, and what its SQL differs in."""

    organisation_id: UUID | None
    """None is the platform."""
    log_id: str
    """Opaque: it stands in origins, and tells nothing of whose log it is."""

    def origin(self, number: int = 1) -> str:
        """Its name in checkpoints and receipts; the number is of `Head.origin_number`."""
        return origin_of(self.log_id, number)

    def origin_number(self, origin: str) -> int:
        """The number of one of its origins, by name; the host may have changed since."""
        number = origin.rpartition(f"/log/{self.log_id}")[2].removeprefix("/")
        return int(number or 1)

    def sql(self, statement: str) -> str:
        """A statement for this log's tables.

        `{t}` begins a table's name (`{t}entry`); `{own}` is the condition that a row is this log's,
        with AND after it (`{own:e.}` for a table called e); `{columns}` and `{values}` are the
        columns before all others and their values. Binds `%(organisation)s`.
        """
        return statement.format(
            t="audit_platform" if self.organisation_id is None else "audit_",
            own=_Own(scoped=self.organisation_id is not None),
            columns="" if self.organisation_id is None else "organisation_id, ",
            values="" if self.organisation_id is None else "%(organisation)s::uuid, ",
        )

    def parameters(self, **named: Any) -> dict[str, Any]:
        """What a statement binds, and the organisation."""
        return {"organisation": self.organisation_id, **named}


class _Own:
    """The condition of `{own}`, before whose columns its format specification stands."""

    def __init__(self, *, scoped: bool) -> None:
        self._scoped = scoped

    def __format__(self, prefix: str) -> str:
        return f"{prefix}organisation_id = %(organisation)s::uuid AND " if self._scoped else ""


PLATFORM_LOG = Log(None, PLATFORM_LOG_ID)


def origin_of(log_id: str, number: int = 1) -> str:
    """`<LOG_HOST>/log/<log id>`; with `/2`, `/3` and so on after forks that were recovered from."""
    return f"{settings.LOG_HOST}/log/{log_id}" + (f"/{number}" if number > 1 else "")


def log_of(organisation_id: UUID) -> Log:
    """An organisation's log."""
    organisations = apps.get_model("orgs", "Organisation").objects
    log_id = organisations.values_list("log_id", flat=True).get(id=organisation_id)
    return Log(organisation_id, log_id)


def current_log() -> Log:
    """The log of the organisation in scope. Raises ScopeError without one."""
    return log_of(current_organisation_id())
