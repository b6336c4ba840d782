"""Billing records: how many seats there were each night, and what that came to in a month."""

from decimal import ROUND_HALF_UP, Decimal

import pgtrigger
from django.db import models
from django.db.models import Q

from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel


class SeatKind(models.TextChoices):
    """What a membership counts as; pending and ended ones are no seats."""

    MEMBER = "member", "Members"
    GUEST = "guest", "Guests"
    SUSPENDED_MEMBER = "suspended_member", "Suspended members"
    SUSPENDED_GUEST = "suspended_guest", "Suspended guests"


HUNDREDTH = Decimal("0.01")


def average(seat_days: int, days: int) -> Decimal:
    """Exact: of at most 31 days no quotient lies so near a half that its first digits hide it."""
    return (Decimal(seat_days) / days).quantize(HUNDREDTH, ROUND_HALF_UP)


def only_added(name: str) -> pgtrigger.Trigger:
    """A record that was made stays as it was made."""
    return pgtrigger.Protect(name=name, operation=pgtrigger.Update | pgtrigger.Delete)


class SeatCount(TenantModel):
    """How many seats of a kind there were at 00:00 UTC of a day."""

    day = models.DateField()
    kind = models.CharField(max_length=16, choices=SeatKind)
    seats = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "day", "kind"], name="seat_count_once_a_day"
            ),
        )
        triggers = (only_added("seat_count_stays"),)

    def __str__(self) -> str:
        return f"{self.day} {self.kind}"


class BillingRecord(TenantModel):
    """What the seats of a kind came to in a month that is over."""

    month = models.DateField()
    """Its first day."""
    kind = models.CharField(max_length=16, choices=SeatKind)
    days = models.PositiveSmallIntegerField()
    """Of the month, those that were counted: fewer where the organisation began in it."""
    seat_days = models.PositiveBigIntegerField()
    """The sum of the days' seats."""
    peak = models.PositiveIntegerField()
    closed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "month", "kind"], name="billing_record_once_a_month"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="billing_record_of_a_month"),
            models.CheckConstraint(
                condition=Q(days__range=(1, 31)), name="billing_record_counts_days"
            ),
        )
        triggers = (only_added("billing_record_stays"),)

    def __str__(self) -> str:
        return f"{self.month} {self.kind}"

    @property
    def average(self) -> Decimal:
        """Seats a day, to two places, halves upwards."""
        return average(self.seat_days, self.days)
