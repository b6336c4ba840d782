"""Seats are counted each night, and a month that is over becomes a record (docs/billing.md)."""

from datetime import date

from django.db import transaction

from audit.services.recording import record
from orgs.events.billing import BillingMonthClosed
from orgs.models import BillingRecord, Organisation, SeatCount
from orgs.selectors.billing import (
    lines_of,
    midnight,
    months_to_close,
    nights_to_count,
    seats_at,
)
from orgs.services.ends import end_lapsed_memberships
from semafore.kernel.tasks import drain
from semafore.kernel.tenancy import current_organisation_id, lock_organisation


def count_seats() -> int:
    """Count the nights that nobody has counted, and close the months that are over; 0.

    However late: the history of memberships says who was there. Lapsed memberships are ended
    before, so that nobody can move an end that has come, and with it a night that was counted.
    """
    nights = nights_to_count()
    if nights:
        drain(end_lapsed_memberships)
    for day in nights:
        _count(day)
    for month in months_to_close():
        _close(month)
    return 0


@transaction.atomic
def _count(day: date) -> None:
    # Whoever changes a membership holds this lock from before the moment of the change until it is
    # committed: what happened before midnight is seen.
    lock_organisation(shared=True)
    counted = [
        SeatCount(organisation_id=current_organisation_id(), day=day, kind=kind, seats=seats)
        for kind, seats in seats_at(midnight(day)).items()
    ]
    # Of two that count at once, the second has counted the same.
    SeatCount.objects.bulk_create(counted, ignore_conflicts=True)


@transaction.atomic
def _close(month: date) -> None:
    """Make a month's record, once."""
    organisation = Organisation.objects.select_for_update(no_key=True).get(
        id=current_organisation_id()
    )
    if BillingRecord.objects.filter(month=month).exists():
        return
    lines = lines_of(month)
    BillingRecord.objects.bulk_create(
        BillingRecord(
            organisation=organisation,
            month=month,
            kind=line.kind,
            days=line.days,
            seat_days=line.seat_days,
            peak=line.peak,
        )
        for line in lines
    )
    record(
        BillingMonthClosed(
            month=f"{month:%Y-%m}",
            days=lines[0].days,
            seat_days={line.kind.value: line.seat_days for line in lines},
            peaks={line.kind.value: line.peak for line in lines},
        )
    )
