"""Rooms and guests of the cast, as the API shows and changes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from keys.selectors.credentials import credential_of
from messaging.models import Room, RoomKind, RoomStatus
from messaging.services.periods import begin_periods
from orgs.models import ExternalParty, Membership, MembershipKind, MembershipStatus, Organisation
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from tests.cast import Phone, inside


def get(phone: Phone, path: str) -> Any:
    return phone.api._send("GET", path)


def post(phone: Phone, path: str, body: Any = None, *, key: str | None = None) -> Any:
    return phone.api._send("POST", path, body, idempotency_key=key)


def new_group(phone: Phone, *others: Membership, name: str = "Ward 7", **more: Any) -> Any:
    """The room as the API answers it."""
    members = [str(other.id) for other in others]
    return post(phone, "rooms", {"kind": "group", "name": name, "members": members, **more})


def new_direct(phone: Phone, other: Membership, *, key: str | None = None) -> Any:
    return post(phone, "rooms", {"kind": "direct", "members": [str(other.id)]}, key=key)


def every(phone: Phone, path: str, *, limit: int = 200) -> list[Any]:
    """All pages of a list."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = get(phone, f"{path}?limit={limit}{cursor}")
        found += page["results"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


@contextmanager
def refused(status: int, code: str) -> Iterator[list[ApiProblem]]:
    """The block is refused so; the problem is in the list afterwards."""
    problems: list[ApiProblem] = []
    with pytest.raises(ApiProblem) as caught:
        yield problems
    problems.append(caught.value)
    assert (caught.value.status, caught.value.code) == (status, code)


@contextmanager
def at_the_console(person: Membership) -> Iterator[None]:
    """The person acts at the console of their organisation."""
    actor = Actor(ActorKind.MEMBER, person.id, person.name, membership_id=person.id)
    with acting_as(actor), organisation_scope(person.organisation_id):
        yield


@contextmanager
def acting(phone: Phone) -> Iterator[None]:
    """The device acts."""
    with (
        acting_as(credential_of(phone.reload()).actor(SYSTEM)),
        organisation_scope(phone.device.organisation_id),
    ):
        yield


def guest(of: Organisation, sponsor: Membership, name: str = "Gus") -> Membership:
    """A guest of a company of their own, in no room yet."""
    with inside(of):
        party = ExternalParty.objects.create(organisation_id=of.id, name=f"{name} Ltd {uuid4()}")
        return admit_member(
            account=create_account(email=f"{uuid4()}@example.org"),
            name=name,
            kind=MembershipKind.GUEST,
            status=MembershipStatus.ACTIVE,
            sponsor=sponsor,
            party=party,
            ends_at=clock.now() + timedelta(days=30),
        )


def external(of: Organisation, *people: Membership, status: RoomStatus = RoomStatus.ACTIVE) -> Room:
    """An external room of these people; its end is a week away."""
    with inside(of), transaction.atomic():
        room = Room.objects.create(
            organisation_id=of.id,
            kind=RoomKind.EXTERNAL,
            name="Repairs",
            purpose="The boiler",
            party=ExternalParty.objects.create(organisation_id=of.id, name=f"Party {uuid4()}"),
            closes_at=clock.now() + timedelta(days=7),
            status=status,
        )
        begin_periods(room, people)
    return room


def ids(rows: list[Any]) -> set[UUID]:
    return {UUID(row["id"]) for row in rows}
