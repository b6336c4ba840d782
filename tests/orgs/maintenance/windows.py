"""Windows as an operator would announce them, hours from now."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from orgs.models import MaintenanceKind, MaintenanceWindow
from orgs.services.accounts import create_operator
from orgs.services.maintenance import Plan, announce_window
from orgs.tasks import carry_out_windows, tell_of_maintenance
from semafore.kernel import clock
from semafore.kernel.actor import OPERATOR_LABEL, SYSTEM, Actor, ActorKind, acting_as
from tests.orgs.sign_in.people import PASSWORD

SUMMARY = "The database moves to a new machine."
NOTICE = 72
"""Hours: what organisations are promised unless they agreed on something else."""


def ahead(hours: float) -> datetime:
    """The moment so many hours from now."""
    return clock.now() + timedelta(hours=hours)


def plan(*, hours: float = NOTICE + 8, lasts: float = 2, **more: Any) -> Plan:
    """A window that closes everything, unless said otherwise."""
    starts_at = ahead(hours)
    wanted = {
        "kind": MaintenanceKind.CLOSED,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=lasts),
        "summary": SUMMARY,
    }
    return Plan(**{**wanted, **more})


@contextmanager
def as_operator() -> Iterator[None]:
    """One of SemaFore's own staff acts."""
    with acting_as(SYSTEM):
        account = create_operator(email=f"{uuid4()}@semafore.example", password=PASSWORD)
    with acting_as(Actor(kind=ActorKind.OPERATOR, id=account.id, label=OPERATOR_LABEL)):
        yield


def announced(**more: Any) -> MaintenanceWindow:
    """A window that an operator has announced."""
    with as_operator():
        return announce_window(plan=plan(**more))


def sweep() -> None:
    """What workers do within a minute."""
    carry_out_windows()
    tell_of_maintenance()


@contextmanager
def later(hours: float) -> Iterator[None]:
    """So many hours on, after the sweeps."""
    with clock.moved_by(timedelta(hours=hours)):
        sweep()
        yield
