"""Reports for programs: the same numbers, a reason each time, and only of their organisation."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from orgs.models import Membership, Organisation, Scope
from orgs.services.service_tokens import issue_service_token
from semafore.kernel import clock
from semafore.kernel.clock import rfc3339
from tests import cast
from tests.audit import programs
from tests.messaging import talk
from tests.messaging.calls import at_the_console
from tests.messaging.pages import affairs
from tests.reports.said import Said, acme_talks

REPORTS = ("communication-graph", "timing", "membership")


@pytest.fixture
def said(acme: Organisation, alice: Membership, bob: Membership) -> Said:
    return acme_talks(acme, alice, bob)


@pytest.fixture
def token(acme: Organisation) -> str:
    return programs.issue(acme, [Scope.AUDIT_READ]).token


def ask(token: str, report: str, **query: Any) -> Any:
    return programs.ask(token, f"reports/{report}?{urlencode({'reason': 'Case 7', **query})}")


def test_the_graph_has_the_numbers_of_what_was_said(
    said: Said, acme: Organisation, alice: Membership, token: str
) -> None:
    answer = ask(token, "communication-graph", person=alice.id, case_reference="C-7").json()
    name = {one["id"]: one["name"] for one in answer["people"]}
    counted = {
        (name[one["sender_id"]], name[one["recipient_id"]]): one["messages"]
        for one in answer["edges"]
    }
    assert counted == said.counted()
    assert answer["left_out"] == 0
    (opened,) = cast.events(acme, "report.opened")
    data = opened["data"]
    assert (data["reason"], data["case_reference"], data["form"]) == ("Case 7", "C-7", "json")
    assert data["event_id"] is None


def test_graphml_is_asked_for_by_its_name(said: Said, bob: Membership, token: str) -> None:
    answer = ask(token, "communication-graph", person=bob.id, format="graphml")
    assert answer["Content-Type"].startswith("application/graphml+xml")
    assert b"<graphml" in answer.content
    assert ask(token, "communication-graph", person=bob.id, format="dot").status_code == 404


def test_timing(said: Said, bob: Membership, token: str) -> None:
    query = {"work_days": "1,2,3,4,5,6,7", "work_from": 0, "work_until": 24}
    answer = ask(token, "timing", time_zone="Asia/Tokyo", **query).json()
    assert answer["total"] == sum(map(sum, answer["hours"])) == len(said.sent)
    assert (len(answer["hours"]), answer["out_of_hours"]) == (7, 0)
    mine = [one for one in said.sent if one.sender in said.phones["Bob"]]
    assert ask(token, "timing", person=bob.id).json()["total"] == len(mine)


def test_membership_in_pages(said: Said, token: str) -> None:
    room = said.rooms["ward"].id
    first = ask(token, "membership", room=room, limit=2).json()
    rest = ask(token, "membership", room=room, limit=2, cursor=first["next"]).json()
    assert [one["name"] for one in first["people"] + rest["people"]] == ["Alice", "Bob", "Dana"]
    assert rest["next"] is None
    changed = ask(token, "membership", room=room, part="changes").json()
    assert {one["name"] for one in changed["changes"]} == {"Alice", "Bob", "Dana"}
    assert changed["people"] == []


@pytest.mark.parametrize("report", REPORTS)
def test_no_report_without_a_reason(token: str, report: str) -> None:
    answer = ask(token, report, reason="")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_what_is_wrong_is_said(acme: Organisation, bob: Membership, token: str) -> None:
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("communication-graph", {}, "report_terms"),
        ("communication-graph", {"person": bob.id, "room": uuid4()}, "report_terms"),
        ("communication-graph", {"person": bob.id, "nonsense": 1}, "invalid"),
        ("communication-graph", {"person": bob.id, "from": "2020-01-01T00:00:00Z"}, "report_terms"),
        ("timing", {"time_zone": "Middle/Earth"}, "report_terms"),
        ("timing", {"time_zone": "../etc/passwd"}, "report_terms"),
        ("timing", {"work_from": 18, "work_until": 8}, "report_terms"),
        ("timing", {"work_days": "0,8"}, "invalid"),
        ("membership", {"at": rfc3339(clock.now() + timedelta(days=1))}, "report_terms"),
    ]
    for report, query, code in wrong:
        answer = ask(token, report, **query)
        assert (answer.status_code, answer.json()["code"]) == (422, code), (report, query)
    assert ask(token, "membership", cursor="nonsense").status_code == 400
    assert cast.events(acme, "report.opened") == []


def test_of_another_organisation_nothing_is_found(
    acme: Organisation, globex: Organisation, charlie: Membership, token: str
) -> None:
    theirs = {
        "person": charlie.id,
        "room": talk.group(globex, charlie).id,
        "party": affairs.party(globex).id,
    }
    for report in REPORTS:
        for about in {"membership": ("room",), "timing": ("person", "room")}.get(report, theirs):
            foreign = ask(token, report, **{about: theirs[about]})
            nobodys = ask(token, report, **{about: uuid4()})
            assert (foreign.status_code, nobodys.status_code) == (404, 404), (report, about)
            bodies = [one.json() | {"request_id": ""} for one in (foreign, nobodys)]
            assert bodies[0] == bodies[1]


def test_a_cursor_of_another_organisation_opens_nothing_of_it(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership, token: str
) -> None:
    for count in range(3):
        cast.member(globex, f"Secret {count}")
    theirs = programs.issue(globex, [Scope.AUDIT_READ]).token
    cursor = ask(theirs, "membership", limit=1).json()["next"]
    answer = ask(token, "membership", cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_other_scopes_open_no_report(acme: Organisation, bob: Membership) -> None:
    other = programs.issue(acme, [Scope.LOG_READ, Scope.AUDIT_EXPORT]).token
    for report in REPORTS:
        assert ask(other, report, person=bob.id).status_code == 403


def test_a_program_does_not_report_on_who_issued_its_token(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    with at_the_console(alice):
        expires_at = clock.now() + timedelta(days=1)
        issued = issue_service_token(name="Hers", scopes=[Scope.AUDIT_READ], expires_at=expires_at)
    assert ask(issued.token, "timing", person=bob.id).status_code == 200
    own, nobodys = (ask(issued.token, "timing", person=one) for one in (alice.id, uuid4()))
    assert (own.status_code, nobodys.status_code) == (404, 404)
    assert own.json() | {"request_id": ""} == nobodys.json() | {"request_id": ""}
