"""Playbooks as people carry them out in a browser."""

from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import resolve, reverse

from audit.models import Event
from orgs.models import Membership, Organisation
from semafore.local.client.wire import JsonObject
from tests import cast
from tests.audit.published import publish

REASON = {"reason": "Left on the train"}


def page(name: str, of: Organisation, **query: Any) -> str:
    return reverse(f"playbook_{name}", args=[of.slug], query=query or None)


def carried_out(
    by: Membership | Client, of: Organisation, name: str, typed: dict[str, Any], **query: Any
) -> UUID:
    """Carry one out; the event that is its record."""
    browser = by if isinstance(by, Client) else cast.signed_in(by)
    answer = browser.post(page(name, of, **query), typed)
    assert answer.status_code == 302, answer.text
    match = resolve(answer["Location"])
    assert match.url_name == "playbook_record"
    event_id: UUID = match.kwargs["event_id"]
    return event_id


def record_of(by: Membership, of: Organisation, event_id: UUID) -> str:
    """The page of a record, once everything has its place in the log."""
    publish(of)
    answer = cast.signed_in(by).get(reverse("playbook_record", args=[of.slug, event_id]))
    assert answer.status_code == 200
    return str(answer.text)


def run_of(of: Organisation, kind: str = "playbook.run") -> JsonObject:
    """The data of the last event of an act, of which there is exactly one."""
    (what,) = cast.events(of, kind)
    data: JsonObject = what["data"]
    return data


def ids_of(of: Organisation, *types: str) -> list[str]:
    """The ids of events that wait, of these types, in their order."""
    return [what["id"] for what in cast.events(of, *types)]


def number_of_events(of: Organisation) -> int:
    with cast.inside(of):
        return Event.objects.count()
