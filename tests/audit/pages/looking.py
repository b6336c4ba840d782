"""The audit log's pages, as somebody reads them."""

import re
from typing import Any
from uuid import UUID

from django.test import Client

from orgs.models import Membership, Organisation
from orgs.services.memberships import suspend_membership
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.cast import inside


def at(of: Organisation, *words: object) -> str:
    return "/".join(["/console", of.slug, "audit", *map(str, words)])


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def suspended(of: Organisation, name: str = "Sue") -> UUID:
    """Suspend somebody; the event's id."""
    person = cast.member(of, name)
    with inside(of):
        suspend_membership(membership_id=person.id, reason="Left the keys in a taxi.")
    return UUID(cast.events(of, "member.suspended")[-1]["id"])


def suspends(
    by: Membership, person: Membership, *, address: str = "", request_id: str = ""
) -> UUID:
    """Somebody suspends somebody; the event's id."""
    actor = Actor(
        kind=ActorKind.MEMBER,
        id=by.id,
        label=by.name,
        membership_id=by.id,
        address=address,
        request_id=request_id,
    )
    with acting_as(actor), organisation_scope(by.organisation_id):
        suspend_membership(membership_id=person.id, reason="Left the keys in a taxi.")
    return UUID(cast.events(by, "member.suspended")[-1]["id"])


def sees(browser: Client, of: Organisation, query: str = "") -> list[str]:
    """The types of the events that the list shows."""
    answer = browser.get(at(of) + query)
    assert answer.status_code == 200
    return [line.row.type for line, _ in answer.context["lines"]]
