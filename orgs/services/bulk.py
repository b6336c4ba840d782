"""Suspending and ending many people at once, from a list: first what would happen, then the act."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Lower

from orgs.errors import PhoneInvalid
from orgs.models import Membership, MembershipStatus
from orgs.services.accounts import normalise_phone
from orgs.services.memberships import check_move, end_membership, suspend_membership
from semafore.kernel.problems import Problem


class BulkAct(StrEnum):
    """What is done to everybody on the list."""

    SUSPEND = "suspend"
    END = "end"


class Column(StrEnum):
    """What the list names people by."""

    MEMBERSHIP_ID = "membership_id"
    PHONE = "phone"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list: its number in the file, and who it names."""

    number: int
    given: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is, or would be, done about a line; a refusal says why not."""

    number: int
    given: str
    membership_id: UUID | None = None
    name: str = ""
    refusal: str = ""


BECOMES = {
    BulkAct.SUSPEND: (MembershipStatus.SUSPENDED, suspend_membership),
    BulkAct.END: (MembershipStatus.ENDED, end_membership),
}


NAMED_BY: dict[Column, Any] = {
    Column.MEMBERSHIP_ID: F("id"),
    Column.PHONE: F("phone"),
    Column.EMAIL: Lower("email"),
}


def preview(*, act: BulkAct, column: Column, lines: Sequence[Line]) -> list[Row]:
    """What would become of each line; nothing is changed.

    Another organisation's people are not found, as nobody's are.
    """
    people = _people(column, lines)
    seen: dict[UUID, int] = {}
    rows = []
    for line in lines:
        found = people.get(_key(column, line.given), [])
        if len(found) != 1:
            refusal = "More than one person has this." if found else "Not found."
            rows.append(Row(line.number, line.given, refusal=refusal))
            continue
        (person,) = found
        if person.id in seen:
            refusal = f"The same person as in line {seen[person.id]}."
        else:
            seen[person.id] = line.number
            refusal = _refusal(person, act)
        rows.append(Row(line.number, line.given, person.id, person.name, refusal))
    return rows


def _refusal(person: Membership, act: BulkAct) -> str:
    to, _ = BECOMES[act]
    if person.status == to:
        return f"Is {to} already."
    try:
        check_move(person, to)
    except Problem as problem:
        return problem.detail
    return ""


def _key(column: Column, given: str) -> Any:
    """The text of a line as the database knows it; None for what nobody can be named by."""
    match column:
        case Column.PHONE:
            try:
                return normalise_phone(given)
            except PhoneInvalid:
                return None
        case Column.EMAIL:
            return given.lower()
        case Column.MEMBERSHIP_ID:
            try:
                return UUID(given)
            except ValueError:
                return None


def _people(column: Column, lines: Sequence[Line]) -> dict[Any, list[Membership]]:
    """By what names them: the open memberships, else the latest that ended."""
    keys = {_key(column, line.given) for line in lines} - {None, ""}
    found: dict[Any, list[Membership]] = {}
    named = Membership.objects.annotate(named_by=NAMED_BY[column]).filter(named_by__in=keys)
    for person in named.order_by("-created_at"):
        key = person.named_by
        before = found.get(key, [])
        if person.status == MembershipStatus.ENDED:
            found[key] = before or [person]
        else:
            found[key] = [one for one in before if one.status != MembershipStatus.ENDED] + [person]
    return found


def change_many(*, act: BulkAct, rows: Sequence[Row], reason: str) -> list[Row]:
    """Do it to the rows that the preview let pass, each in its own transaction; what became of it.

    Doing it again changes nothing: who is suspended or ended is refused.
    """
    _, service = BECOMES[act]
    done = []
    for row in rows:
        refusal = row.refusal
        if row.membership_id is not None and not refusal:
            try:
                service(membership_id=row.membership_id, reason=reason)
            except Problem as problem:
                refusal = problem.detail
        done.append(Row(row.number, row.given, row.membership_id, row.name, refusal))
    return done
