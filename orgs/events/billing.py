"""Event types of billing records."""

from audit.registry import EventClass, What, event


@event(
    "billing.month_closed",
    EventClass.ADMINISTRATION,
    sentence="{actor} closed the billing record of {month}.",
)
class BillingMonthClosed(What):
    """The month as 2026-10, how many days were counted, and what each kind of seat came to."""

    month: str
    days: int
    seat_days: dict[str, int]
    peaks: dict[str, int]
