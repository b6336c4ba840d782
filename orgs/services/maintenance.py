"""What operators and the clock do with windows of maintenance (docs/maintenance.md).

A window is the whole platform's: no organisation is in scope. Each act is a step, of which every
organisation is told afterwards (`orgs.services.maintenance_notices`).
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from celery import current_app
from django.db import connection, transaction
from django.db.models import Max
from kombu.exceptions import OperationalError

from audit.registry import What
from audit.services.recording import Ref, record_platform
from orgs.errors import MaintenanceInvalid, MaintenanceNoticeTooShort, MaintenanceTransition
from orgs.events import maintenance as events
from orgs.models import (
    MaintenanceKind,
    MaintenanceOccasion,
    MaintenanceStatus,
    MaintenanceStep,
    MaintenanceWindow,
    Organisation,
)
from orgs.selectors.maintenance import unfinished
from semafore.kernel import clock
from semafore.kernel.actor import ActorKind, current_actor
from semafore.kernel.closing import CLOSING
from semafore.kernel.problems import NotFound

logger = logging.getLogger(__name__)

ON_ITS_WAY: Final = timedelta(minutes=10)
"""So long before the notice that was promised ends a window is announced: mails take their time."""
TYPING: Final = timedelta(minutes=5)
"""A start so long ago is now: it was typed before it was sent."""
LONGEST: Final = timedelta(days=7)
REMINDED_BEFORE: Final = timedelta(hours=24)
NEVER_BEGUN: Final = "It was held back until its time was over."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A window as an operator wants it; the reason is needed where notice would be too short."""

    kind: MaintenanceKind
    starts_at: datetime
    ends_at: datetime
    summary: str
    emergency_reason: str = ""


def check_plan(*, plan: Plan, before: MaintenanceWindow | None = None) -> None:
    """What stands against a plan, or against changing a window into it.

    Raises MaintenanceTransition, MaintenanceInvalid, MaintenanceNoticeTooShort.
    """
    now = clock.now()
    if plan.ends_at <= max(plan.starts_at, now):
        raise MaintenanceInvalid(detail="The end has to lie ahead, and after the start.")
    if plan.ends_at - plan.starts_at > LONGEST:
        raise MaintenanceInvalid(detail=f"A window lasts {LONGEST.days} days at most.")
    if before is not None and _status_of(before) == MaintenanceStatus.RUNNING:
        if (plan.starts_at, plan.kind) != (before.starts_at, before.kind):
            raise MaintenanceInvalid(detail="It has begun: its end and its words alone can change.")
    elif plan.starts_at < now - TYPING:
        raise MaintenanceInvalid(detail="The start lies in the past.")
    if before is not None and _takes_away_alone(plan, before):
        return
    longest = Organisation.objects.aggregate(longest=Max("sla_notice_hours"))["longest"] or 0
    needed = timedelta(hours=longest) + ON_ITS_WAY
    same = unfinished().filter(kind=plan.kind, starts_at=plan.starts_at, ends_at=plan.ends_at)
    if before is None and same.filter(summary=plan.summary).exists():
        raise MaintenanceInvalid(detail="This very window has been announced already.")
    if plan.starts_at - now < needed and not plan.emergency_reason:
        raise MaintenanceNoticeTooShort(
            detail=f"Organisations are promised up to {longest} hours of notice: start after "
            f"{now + needed:%-d %B %Y, %H:%M} UTC, or give the reason of the emergency."
        )


def _status_of(window: MaintenanceWindow) -> MaintenanceStatus:
    if window.status in {MaintenanceStatus.ENDED, MaintenanceStatus.CANCELLED}:
        raise MaintenanceTransition(detail=f"The window is {window.status} already.")
    return window.status


def _takes_away_alone(plan: Plan, before: MaintenanceWindow) -> bool:
    """Nothing is affected that organisations don't expect: they needn't hear of it long before."""
    return (
        plan.starts_at >= before.starts_at
        and plan.ends_at <= before.ends_at
        and plan.kind in {before.kind, MaintenanceKind.UNINTERRUPTED}
    )


@transaction.atomic
def announce_window(*, plan: Plan) -> MaintenanceWindow:
    """Announce a window, once. Raises MaintenanceInvalid, MaintenanceNoticeTooShort."""
    with connection.cursor() as cursor:
        # A form that was sent twice at once is announced once.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('maintenance windows', 0))")
    check_plan(plan=plan)
    window = MaintenanceWindow.objects.create(**vars(plan))
    _step(window, MaintenanceOccasion.ANNOUNCED, plan.emergency_reason)
    return window


@transaction.atomic
def change_window(*, window_id: UUID, plan: Plan) -> MaintenanceWindow:
    """Make it another window, or prolong a running one; nothing happens when nothing differs.

    Raises NotFound, MaintenanceTransition, MaintenanceInvalid, MaintenanceNoticeTooShort.
    """
    window = _locked(window_id)
    wanted = vars(plan)
    if all(getattr(window, name) == value for name, value in wanted.items()):
        return window
    check_plan(plan=plan, before=window)
    for name, value in wanted.items():
        setattr(window, name, value)
    window.save(update_fields=list(wanted))
    _step(window, MaintenanceOccasion.CHANGED, plan.emergency_reason)
    return window


@transaction.atomic
def hold_window(*, window_id: UUID, reason: str) -> MaintenanceWindow:
    """Keep it from beginning by the clock. Raises NotFound, MaintenanceTransition."""
    window = _locked(window_id, MaintenanceStatus.PLANNED)
    window.held = True
    window.save(update_fields=["held"])
    _step(window, MaintenanceOccasion.HELD, reason)
    return window


@transaction.atomic
def begin_window(*, window_id: UUID, emergency_reason: str = "") -> MaintenanceWindow:
    """Begin now: before its time, which needs the notice or a reason, or after it was held back.

    Raises NotFound, MaintenanceTransition, MaintenanceNoticeTooShort.
    """
    window = _locked(window_id, MaintenanceStatus.PLANNED, MaintenanceStatus.HELD)
    plan = Plan(
        kind=MaintenanceKind(window.kind),
        # Whole seconds, as operators type them when they change it later.
        starts_at=clock.now().replace(microsecond=0),
        ends_at=window.ends_at,
        summary=window.summary,
        emergency_reason=emergency_reason,
    )
    check_plan(plan=plan, before=window)
    window.starts_at = window.began_at = plan.starts_at
    window.emergency_reason = emergency_reason
    window.save(update_fields=["starts_at", "began_at", "emergency_reason"])
    _step(window, MaintenanceOccasion.BEGAN, emergency_reason)
    return window


@transaction.atomic
def end_window(*, window_id: UUID) -> MaintenanceWindow:
    """End it now: the server is open again. Raises NotFound, MaintenanceTransition."""
    window = _locked(window_id, MaintenanceStatus.RUNNING)
    _note_beginning(window)
    _note_end(window, clock.now())
    return window


@transaction.atomic
def cancel_window(*, window_id: UUID, reason: str) -> MaintenanceWindow:
    """Call it off; one that has begun is ended instead. Raises NotFound, MaintenanceTransition."""
    window = _locked(window_id, MaintenanceStatus.PLANNED, MaintenanceStatus.HELD)
    _cancel(window, reason)
    return window


def carry_out_windows() -> int:
    """Note what the clock began and ended, and what is to be reminded of; 0: each comes once."""
    for window_id in list(unfinished().values_list("id", flat=True)):
        _carry_out(window_id)
    return 0


@transaction.atomic
def _carry_out(window_id: UUID) -> None:
    window = unfinished().select_for_update().filter(id=window_id).first()
    if window is None:
        return
    now = clock.now()
    over = window.ends_at <= now
    if window.began_at is None and window.held:
        if over:
            _cancel(window, NEVER_BEGUN)
    elif window.starts_at <= now:
        _note_beginning(window)
        if over:
            _note_end(window, window.ends_at)
    elif _to_remind_of(window, now):
        _step(window, MaintenanceOccasion.REMINDED)


def _to_remind_of(window: MaintenanceWindow, now: datetime) -> bool:
    """A day before, unless organisations heard of it within that day anyway."""
    from_at = window.starts_at - REMINDED_BEFORE
    return from_at <= now and not window.steps.filter(at__gte=from_at).exists()


def _note_beginning(window: MaintenanceWindow) -> None:
    if window.began_at is None:
        window.began_at = window.starts_at
        window.save(update_fields=["began_at"])
        _step(window, MaintenanceOccasion.BEGAN)


def _note_end(window: MaintenanceWindow, at: datetime) -> None:
    window.ended_at = at
    window.save(update_fields=["ended_at"])
    _step(window, MaintenanceOccasion.ENDED)


def _cancel(window: MaintenanceWindow, reason: str) -> None:
    window.cancelled_at = clock.now()
    window.save(update_fields=["cancelled_at"])
    _step(window, MaintenanceOccasion.CANCELLED, reason)


def _locked(window_id: UUID, *allowed: MaintenanceStatus) -> MaintenanceWindow:
    """Under its row lock, and of a status that allows the act; without any, of any."""
    window = MaintenanceWindow.objects.select_for_update().filter(id=window_id).first()
    if window is None:
        raise NotFound
    if allowed and window.status not in allowed:
        raise MaintenanceTransition(detail=f"The window is {window.status} now.")
    return window


def _step(window: MaintenanceWindow, occasion: MaintenanceOccasion, reason: str = "") -> None:
    """Keep what happened, record it in the platform's log, and have organisations told of it."""
    actor = current_actor()
    step = MaintenanceStep.objects.create(
        window=window,
        occasion=occasion,
        by_id=actor.id if actor.kind == ActorKind.OPERATOR else None,
        kind=window.kind,
        starts_at=window.starts_at,
        ends_at=window.over_at,
        summary=window.summary,
        reason=reason,
    )
    if occasion in events.OF_OCCASION:
        record_platform(event_of(step), target=window_ref(window.id))
    transaction.on_commit(CLOSING.ask_anew)
    transaction.on_commit(_nudge)


def event_of(step: MaintenanceStep) -> What:
    """A step as logs say it; a reminder has no event."""
    return events.OF_OCCASION[MaintenanceOccasion(step.occasion)](
        kind=step.kind,
        starts_at=step.starts_at,
        ends_at=step.ends_at,
        summary=step.summary,
        reason=step.reason,
    )


def window_ref(window_id: UUID) -> Ref:
    """A window as events name it."""
    return Ref(kind="maintenance", id=window_id)


def _nudge() -> None:
    try:
        current_app.send_task("orgs.tell_of_maintenance", retry=False)
    except OperationalError as error:
        logger.warning("organisations are told at the next sweep: %s", type(error).__name__)
