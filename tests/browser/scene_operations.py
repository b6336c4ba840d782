"""What the platform's operators did, and what is to be paid for it, in the scene."""

from datetime import timedelta

from orgs.models import MaintenanceKind, Organisation, SeatCount, SeatKind
from orgs.services.billing import count_seats
from orgs.services.maintenance import Plan, announce_window, cancel_window, end_window
from orgs.tasks import (
    carry_out_windows,
    deliver_waiting_mail,
    tell_of_maintenance,
)
from semafore.kernel import clock
from tests.browser.scene import Scene
from tests.orgs.maintenance.windows import as_operator

NIGHTS = 80


def add_operations(scene: Scene) -> None:
    """Windows of every standing, and some months of nights."""
    founded_at = clock.now() - timedelta(days=NIGHTS)
    Organisation.objects.filter(id=scene.organisation.id).update(created_at=founded_at)
    _announce(scene, "emergency", hours=-50, reason="A disk of the database failed.")
    with clock.moved_by(-timedelta(hours=49)), as_operator():
        carry_out_windows()
        end_window(window_id=scene.windows["emergency"].id)
        tell_of_maintenance()
        deliver_waiting_mail()
        tell_of_maintenance()
    _announce(scene, "cancelled", hours=300)
    with as_operator():
        cancel_window(window_id=scene.windows["cancelled"].id, reason="It is not needed.")
    _announce(scene, "planned", hours=120)
    _announce(scene, "next", hours=400, kind=MaintenanceKind.UNINTERRUPTED)
    tell_of_maintenance()
    with scene.by("alice"):
        _count(scene)
        count_seats()


def _count(scene: Scene) -> None:
    """As if each night somebody more had come, now and then."""
    today = clock.now().date()
    SeatCount.objects.bulk_create(
        SeatCount(
            organisation_id=scene.organisation.id,
            day=today - timedelta(days=NIGHTS - number),
            kind=kind,
            seats=most * (NIGHTS + number) // (2 * NIGHTS) - number % 3,
        )
        for number in range(NIGHTS + 1)
        for kind, most in zip(SeatKind, (1480, 96, 31, 4), strict=True)
    )


def _announce(
    scene: Scene,
    key: str,
    *,
    hours: float,
    kind: MaintenanceKind = MaintenanceKind.CLOSED,
    reason: str = "",
) -> None:
    """A window that begins so many hours from now; of one in the past everybody heard just then."""
    starts_at = clock.now() + timedelta(hours=hours)
    plan = Plan(
        kind=kind,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        summary="The database moves to a new machine, with more room for what organisations keep.",
        emergency_reason=reason,
    )
    with clock.moved_by(timedelta(hours=min(hours, 0))), as_operator():
        scene.windows[key] = announce_window(plan=plan)
        tell_of_maintenance()
