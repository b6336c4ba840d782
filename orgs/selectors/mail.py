"""How mail does, whomever it is for: for monitoring."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Min, Q

from orgs.models import Mail
from orgs.models.mail import GIVE_UP_AFTER
from semafore.kernel import clock


@dataclass(frozen=True, slots=True)
class MailHealth:
    """Of all mail that was not sent; an age is zero where none waits."""

    waiting: int
    oldest_age: timedelta
    given_up: int
    """Of the last two days: then the rows go."""


def mail_health() -> MailHealth:
    """In one statement, by the index of what was not sent."""
    now = clock.now()
    tried = Q(created_at__gt=now - GIVE_UP_AFTER)
    found = Mail.objects.filter(sent_at=None).aggregate(
        waiting=Count("id", filter=tried),
        oldest=Min("created_at", filter=tried),
        given_up=Count("id", filter=~tried),
    )
    oldest = found["oldest"]
    return MailHealth(
        found["waiting"],
        max(now - oldest, timedelta()) if oldest else timedelta(),
        found["given_up"],
    )
