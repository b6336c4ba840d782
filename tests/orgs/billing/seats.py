"""People who come, change and go at moments of a made-up year."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from orgs.models import (
    Account,
    Membership,
    MembershipKind,
    MembershipStatus,
    Organisation,
    SeatCount,
)
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member
from orgs.tasks import count_seats
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast


def utc(text: str) -> datetime:
    """`2024-02-01 09:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@contextmanager
def at(text: str, of: Organisation | None = None) -> Iterator[None]:
    """The moment, in the organisation's scope if one is named; the system acts."""
    with clock.moved_by(utc(text) - clock.now()), acting_as(SYSTEM):
        if of is None:
            yield
        else:
            with organisation_scope(of.id):
                yield


def founded(text: str, name: str = "Acme") -> Organisation:
    """An organisation that began then."""
    with at(text):
        return cast.organisation(name)


def come(of: Organisation, text: str, name: str = "Ann", **more: Any) -> Membership:
    """Somebody is admitted then, active unless said otherwise."""
    with at(text, of):
        more.setdefault("status", MembershipStatus.ACTIVE)
        account = more.pop("account", None) or create_account(email=_email(name))
        return admit_member(account=account, name=name, **more)


def guest(
    of: Organisation, text: str, sponsor: Membership, ends: str, name: str = "Gus", **more: Any
) -> Membership:
    """Somebody comes as a guest then."""
    return come(
        of,
        text,
        name,
        kind=MembershipKind.GUEST,
        sponsor=sponsor,
        ends_at=utc(ends),
        **more,
    )


def _email(name: str) -> str:
    return f"{name.lower()}.{Account.objects.count()}@example.org"


def night(text: str) -> None:
    """The nightly task, at that moment."""
    with at(text):
        count_seats()


def counted(of: Organisation, day: str) -> dict[str, int]:
    """What was counted of a day, without the kinds of which there were none."""
    with cast.inside(of):
        rows = SeatCount.objects.filter(day=date.fromisoformat(day))
        return {row.kind: row.seats for row in rows if row.seats}


def days(of: Organisation) -> list[str]:
    """The days that were counted."""
    with cast.inside(of):
        found = SeatCount.objects.filter(kind="member").order_by("day")
        return [row.day.isoformat() for row in found]
