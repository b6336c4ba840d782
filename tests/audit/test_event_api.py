"""The audit API's events: in the order of the log, by filter, and one event opened."""

import base64
import json
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

from audit.events.retention import HoldLiftWithdrawn
from audit.models import Event, IndexedEvent
from audit.services.recording import Fact, Ref
from orgs.events.people import MemberSuspended
from orgs.models import Membership, Organisation, Scope
from orgs.services.service_tokens import issue_service_token
from semafore.kernel import clock
from semafore.kernel.actor import acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.aged import DAY, days, fact_of_class, happened, swept
from tests.audit.programs import ask, issue
from tests.audit.published import publish
from tests.cast import Phone, inside
from tests.orgs.test_ends import as_member


def answered(token: str, path: str = "events", **given: Any) -> Any:
    """The body of a page, or of an event."""
    answer = ask(token, f"{path}?{urlencode(given)}" if given else path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def whole(token: str, limit: int, **given: Any) -> list[dict[str, Any]]:
    """All pages one after the other, to the first empty one."""
    found: list[dict[str, Any]] = []
    page = answered(token, limit=limit, **given)
    while page["results"]:
        found += page["results"]
        page = answered(token, limit=limit, cursor=page["next"], **given)
    return found


def test_all_events_come_once_in_the_order_of_the_log(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    token = issue(acme).token
    alice_phone.api.claim(bob_phone.id)
    publish(acme)
    with inside(acme):
        rows = {row.seq: row for row in IndexedEvent.objects.all()}

    found = whole(token, 3)
    assert [one["seq"] for one in found] == list(range(len(rows)))
    for one in found:
        row = rows[one["seq"]]
        assert (one["id"], one["class"]) == (str(row.event_id), row.event_class)
        assert one["type"] == row.type == one["what"]["type"]
        assert one["time"] == one["what"]["time"]
        assert one["outcome"] == row.outcome
        assert set(one["who"]) >= {"actor", "target", "subject", "room", "address"}
        assert len(base64.b64decode(one["leaf"])) == 32
    assert {"key_bundle.claimed", "device.approved"} <= {one["type"] for one in found}


def test_who_has_seen_all_is_told_where_to_ask_again(acme: Organisation) -> None:
    token = issue(acme).token
    empty = answered(token)
    assert empty["results"] == []
    publish(acme)
    first = answered(token, cursor=empty["next"], limit=1000)
    assert [one["seq"] for one in first["results"]] == list(range(len(first["results"])))
    assert answered(token, cursor=first["next"], action="device.revoked")["results"] == []

    happened(acme, [fact_of_class(1)], ago=DAY)
    after = answered(token, cursor=first["next"])
    assert after["results"][0]["seq"] == len(first["results"])
    assert "member.suspended" in [one["type"] for one in after["results"]]


def test_each_filter_finds_what_it_names(acme: Organisation, bob: Membership) -> None:
    token = issue(acme).token
    device, person, room = uuid4(), uuid4(), uuid4()
    fact = Fact(
        MemberSuspended(reason="left"),
        target=Ref("member", person, "Sue"),
        room=Ref("room", room, "Room 7"),
    )
    (event_id,) = happened(acme, [fact], ago=2 * DAY, by=bob, device=device)
    (message_event,) = happened(acme, [fact_of_class(2)], ago=DAY)
    with inside(acme):
        row = IndexedEvent.objects.get(event_id=event_id)
        message = IndexedEvent.objects.get(event_id=message_event)

    def found(**given: Any) -> list[str]:
        return [one["id"] for one in whole(token, 50, **given)]

    moment = row.at.isoformat()
    for given in (
        {"actor": bob.id},
        {"actor": device},
        {"target": person},
        {"room": room},
        {"address": "192.0.2.7"},
        {"action": "member.suspended", "outcome": "success"},
        {"from": moment, "to": (row.at + DAY / 2).isoformat()},
        {"to": (row.at + DAY / 2).isoformat(), "target": person},
    ):
        assert found(**given) == [str(event_id)], given
    assert found(message=message.message_id) == [str(message_event)]
    for given in (
        {"actor": uuid4()},
        {"to": moment},
        {"outcome": "denied"},
        {"address": "192.0.2.8"},
        {"actor": bob.id, "action": "member.ended"},
    ):
        assert found(**given) == [], given


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("actor=bob", "actor", "invalid"),
        ("target=7", "target", "invalid"),
        ("room={}", "room", "invalid"),
        ("message=urn:uuid:00000000-0000-4000-8000-000000000000", "message", "invalid"),
        ("from=yesterday", "from", "invalid"),
        ("to=2026-11-22T10:00:00", "to", "invalid"),
        ("from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00Z", "to", "invalid"),
        ("action=member.forgotten", "action", "invalid_choice"),
        ("outcome=maybe", "outcome", "invalid_choice"),
        ("address=office", "address", "invalid"),
        ("limit=0", "limit", "min_value"),
        ("limit=1001", "limit", "max_value"),
        ("about=00000000-0000-4000-8000-000000000000", "about", "unknown_field"),
        ("action=&limit=5", "action", "blank"),
        ("limit=5&limit=6", "limit", "given_twice"),
        (f"cursor={'x' * 1001}", "cursor", "max_length"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    acme: Organisation, query: str, field: str, code: str
) -> None:
    answer = ask(issue(acme).token, f"events?{query}")
    assert answer.status_code == 422
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [(field, code)]


def test_a_cursor_of_ours_alone_goes_on(
    acme: Organisation, globex: Organisation, charlie: Membership
) -> None:
    token = issue(acme).token
    publish(acme)
    page = answered(token, limit=1)
    for cursor in ("x", page["next"][:-4], page["next"][::-1], "ÿ"):
        answer = ask(token, f"events?{urlencode({'cursor': cursor})}")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    # Nor in another organisation's log.
    publish(globex)
    theirs = ask(issue(globex).token, f"events?{urlencode({'cursor': page['next']})}")
    assert (theirs.status_code, theirs.json()["code"]) == (400, "malformed")
    assert answered(token, cursor=page["next"])["results"]


def test_without_the_scope_nothing_is_shown(acme: Organisation) -> None:
    token = issue(acme, [Scope.LOG_READ, Scope.AUDIT_EXPORT]).token
    publish(acme)
    for path in ("events", f"events/{uuid4()}"):
        answer = ask(token, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    assert ask(None, "events").status_code == 401
    assert not cast.events(acme, "audit.searched", "audit.viewed")


# One event


def leaf_of(body: dict[str, Any]) -> bytes:
    """As audit-log.md says, from what the API opened, or gave instead."""
    commitments = b""
    for name in ("who", "what"):
        if body[f"{name}_text"] is None:
            commitments += base64.b64decode(body[f"c_{name}"])
        else:
            opening = base64.b64decode(body[f"{name}_opening"])
            text = body[f"{name}_text"].encode()
            part = b"semafore/part/v1\0" + name.encode() + b"\0" + opening + text
            commitments += sha256(part).digest()
    kind = bytes([body["class"]])
    entry = b"\x01" + kind + sha256(b"semafore/event/v1\0" + kind + commitments).digest()
    assert base64.b64decode(body["entry"]) == entry
    return sha256(b"\0" + entry).digest()


def test_a_program_can_recompute_the_leaf(acme: Organisation) -> None:
    token = issue(acme).token
    ids = happened(acme, [fact_of_class(number) for number in range(1, 7)], ago=DAY)
    listed = {one["id"]: one for one in whole(token, 50)}
    for event_id in ids:
        body = answered(token, f"events/{event_id}")
        leaf = leaf_of(body)
        assert body["leaf"] == base64.b64encode(leaf).decode()
        for name in ("who", "what"):
            assert json.loads(body[f"{name}_text"]) == body[name]
        common = {"seq", "id", "class", "type", "time", "outcome", "leaf", "who", "what"}
        assert {name: body[name] for name in common} == listed[str(event_id)]


def test_what_retention_deleted_is_null_and_the_rest_still_proves(acme: Organisation) -> None:
    token = issue(acme).token
    days(acme, metadata=30, audit=30, existence=365)
    kept, gone = happened(acme, [fact_of_class(2), fact_of_class(1)], ago=40 * DAY)
    assert swept(acme)
    publish(acme)

    (line,) = whole(token, 50, action="message.accepted")
    assert line["who"] is None
    assert line["what"]["id"] == str(kept)
    body = answered(token, f"events/{kept}")
    assert [body[name] for name in ("who", "who_text", "who_opening")] == [None] * 3
    assert body["leaf"] == line["leaf"] == base64.b64encode(leaf_of(body)).decode()

    assert str(gone) not in {one["id"] for one in whole(token, 50)}
    left = answered(token, f"events/{gone}")
    assert {name for name, value in left.items() if value is not None} == {
        "id",
        "seq",
        "class",
        "entry",
        "leaf",
    }


def test_an_event_that_waits_has_no_place_yet(acme: Organisation) -> None:
    token = issue(acme).token
    with inside(acme):
        waiting: UUID = Event.objects.order_by("id")[0].id
    body = answered(token, f"events/{waiting}")
    assert (body["seq"], body["entry"], body["leaf"]) == (None, None, None)
    assert body["what"]["id"] == str(waiting)


def test_another_organisations_event_is_not_found(
    acme: Organisation, globex: Organisation, charlie: Membership
) -> None:
    (event_id,) = happened(acme, [fact_of_class(1)], ago=DAY)
    answers = [ask(issue(globex).token, f"events/{one}") for one in (event_id, uuid4())]
    bodies = [{**one.json(), "request_id": ""} for one in answers]
    assert [one.status_code for one in answers] == [404, 404]
    assert bodies[0] == bodies[1]


def test_who_issued_the_token_reads_nothing_of_what_examines_them(
    acme: Organisation, alice: Membership
) -> None:
    with acting_as(as_member(alice)), organisation_scope(acme.id):
        own = issue_service_token(
            name="Monitor", scopes=[Scope.AUDIT_READ], expires_at=clock.now() + DAY
        ).token
    fact = Fact(
        HoldLiftWithdrawn(hold_id=uuid4(), request_id=uuid4()),
        subject=Ref("member", alice.id, "Alice"),
    )
    (event_id,) = happened(acme, [fact], ago=DAY)

    for token, shown in ((own, False), (issue(acme).token, True)):
        found = [one["id"] for one in whole(token, 50)]
        assert (str(event_id) in found) is shown
        assert ask(token, f"events/{event_id}").status_code == (200 if shown else 404)
