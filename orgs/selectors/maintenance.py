"""Which windows of maintenance there are, which one closes the server, and who was told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from orgs.errors import Maintenance
from orgs.models import (
    MaintenanceKind,
    MaintenanceMail,
    MaintenanceNotice,
    MaintenanceWindow,
    Organisation,
)
from semafore.kernel import clock
from semafore.kernel.closing import Closure
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id

COME_BACK_WITHIN: Final = timedelta(minutes=5)
"""Nobody is sent away for longer: a window may end early."""
SPREAD: Final = timedelta(minutes=1)
"""Over so long those return who are sent away together."""


def unfinished() -> QuerySet[MaintenanceWindow]:
    """Windows whose end, or cancellation, has not been noted."""
    return MaintenanceWindow.objects.filter(ended_at=None, cancelled_at=None)


def windows_ahead() -> QuerySet[MaintenanceWindow]:
    """Those planned, held back or running, the next one first."""
    return unfinished().filter(ends_at__gt=clock.now()).order_by("starts_at", "id")


def window_in_brief(window: MaintenanceWindow) -> dict[str, Any]:
    """As devices are told: `id`, `kind`, `starts_at`, `ends_at` (api.md, `config`)."""
    return {
        "id": str(window.id),
        "kind": window.kind,
        "starts_at": clock.rfc3339(window.starts_at),
        "ends_at": clock.rfc3339(window.ends_at),
    }


def closed_for_maintenance() -> Closure | None:
    """The closure of the running window that closes everything; of several, the one that lasts."""
    now = clock.now()
    begun = Q(began_at__isnull=False) | Q(held=False, starts_at__lte=now)
    closing = windows_ahead().filter(begun, kind=MaintenanceKind.CLOSED)
    window = closing.order_by("-ends_at").first()
    if window is None:
        return None
    left = min(window.ends_at - now, COME_BACK_WITHIN)
    problem = Maintenance(
        detail=window.summary,
        retry_after=int(left.total_seconds()) + 1,
        until=clock.rfc3339(window.ends_at),
    )
    return Closure(problem, everybody=True, spread=int(SPREAD.total_seconds()))


def windows_known() -> QuerySet[MaintenanceWindow]:
    """All that concerned the current organisation: those from before it were not its own."""
    organisation = Organisation.objects.get(id=current_organisation_id())
    return MaintenanceWindow.objects.filter(ends_at__gt=organisation.created_at)


def past_windows() -> QuerySet[MaintenanceWindow]:
    """Of those, what is over or was cancelled."""
    return windows_known().exclude(id__in=windows_ahead().order_by().values("id"))


@dataclass(frozen=True, slots=True)
class Told:
    """What the current organisation was told of a window."""

    window: MaintenanceWindow
    notices: list[MaintenanceNotice]
    """Oldest first, each with `step` and `mails`, those with `membership`."""


def told_of(window_id: UUID) -> Told:
    """A window, and who of us was mailed. Raises NotFound."""
    window = windows_known().filter(id=window_id).first()
    if window is None:
        raise NotFound
    mails = MaintenanceMail.objects.select_related("membership").order_by("membership__name", "id")
    notices = (
        MaintenanceNotice.objects.filter(step__window=window)
        .select_related("step")
        .prefetch_related(Prefetch("mails", queryset=mails))
    )
    return Told(window, list(notices.order_by("step_id")))
