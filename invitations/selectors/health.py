"""How codes and links reach people, whosever they are: for monitoring."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Min, Q

from invitations.models import Delivery, Invitation, PhoneProof
from semafore.kernel import clock
from semafore.kernel.tenancy import of_all

LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """Of all organisations; an age is zero where nothing waits."""

    codes_waiting: int
    codes_failing: int
    """Of these, how many the service refused at least once."""
    oldest_code_age: timedelta
    links_waiting: int
    oldest_link_age: timedelta
    links_failed: int
    """Within a day."""


def delivery_health() -> DeliveryHealth:
    """In two statements."""
    now = clock.now()
    # `send_after` is later than now while a number's quota is used up: that is no delay of ours.
    codes = (
        of_all(PhoneProof)
        .filter(wanted_at__isnull=False)
        .aggregate(
            waiting=Count("id"),
            failing=Count("id", filter=Q(failures__gt=0)),
            oldest=Min("wanted_at", filter=Q(send_after__lte=now)),
        )
    )
    queued = Q(delivery=Delivery.QUEUED)
    failed = Q(delivery=Delivery.FAILED, delivery_at__gt=now - LATELY)
    links = (
        of_all(Invitation)
        .filter(queued | failed)
        .aggregate(
            waiting=Count("id", filter=queued),
            oldest=Min("delivery_at", filter=queued),
            failed=Count("id", filter=failed),
        )
    )
    return DeliveryHealth(
        codes_waiting=codes["waiting"],
        codes_failing=codes["failing"],
        oldest_code_age=max(now - (codes["oldest"] or now), timedelta()),
        links_waiting=links["waiting"],
        oldest_link_age=max(now - (links["oldest"] or now), timedelta()),
        links_failed=links["failed"],
    )
