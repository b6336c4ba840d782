"""Asking for reports at the console, and looking at them: what is recorded, who may, how long."""

import csv
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.urls import reverse

from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.audit.aged import days
from tests.audit.published import publish
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.reports.said import Said, acme_talks

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
WHY = {"reason": "Complaint 12", "case_reference": "C-12"}


@pytest.fixture
def said(acme: Organisation, alice: Membership, bob: Membership) -> Said:
    return acme_talks(acme, alice, bob)


@pytest.fixture
def hana(acme: Organisation) -> Membership:
    return cast.member(acme, "Hana", Role.AUDITOR)


def form(**typed: Any) -> dict[str, Any]:
    today = clock.now().date()
    return {"from_day": today - timedelta(days=3), "to_day": today, **WHY, **typed}


def ask(browser: Client, of: Organisation, name: str, **typed: Any) -> Any:
    return browser.post(reverse(name, args=[of.slug]), form(**typed))


def asked(browser: Client, of: Organisation, name: str, **typed: Any) -> UUID:
    """The id of the report that the answer leads to."""
    answer = ask(browser, of, name, **typed)
    assert answer.status_code == 302, answer.content.decode()
    return UUID(answer["Location"].rpartition("/")[2])


def open_(
    browser: Client, of: Organisation, report: UUID, name: str = "report", **query: Any
) -> Any:
    return browser.get(reverse(name, args=[of.slug, report]), query)


def recorded(of: Organisation) -> list[dict[str, Any]]:
    return cast.events(of, "report.requested", "report.opened")


def test_asking_and_each_look_are_events_and_no_reason_stands_in_an_address(
    said: Said, acme: Organisation, hana: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(hana)
    answer = ask(browser, acme, "report_graph_new", person=bob.id, broadcasts="on")
    report = UUID(answer["Location"].rpartition("/")[2])
    assert "Complaint" not in answer["Location"]
    assert open_(browser, acme, report).status_code == 200
    assert open_(browser, acme, report, "report_graphml").status_code == 200

    requested, page, file = recorded(acme)
    assert requested["id"] == str(report)
    assert requested["data"]["reason"] == "Complaint 12"
    assert requested["data"]["case_reference"] == "C-12"
    for look, kind in ((page, "page"), (file, "graphml")):
        assert look["data"]["event_id"] == str(report)
        assert (look["data"]["form"], look["data"]["reason"]) == (kind, "Complaint 12")


def test_the_page_shows_the_numbers_of_the_graph(
    said: Said, acme: Organisation, hana: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(hana)
    report = asked(browser, acme, "report_graph_new", person=bob.id, broadcasts="on")
    text = open_(browser, acme, report).content.decode()
    assert "Communication graph: Bob" in text
    rows = [
        re.sub(r"<[^>]+>|\s+", " ", row).split()
        for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL)
    ]
    between = {(row[0], *[word for word in row if word.isdigit()][:3]) for row in rows[1:]}
    every = said.counted()
    one, other = every["Bob", "Dana"], every["Dana", "Bob"]
    assert ("Bob", str(one), str(other), str(one + other)) in between
    assert "Guest of Initech" in text
    assert "style=" not in text


def test_graphml_has_the_same_numbers(
    said: Said, acme: Organisation, hana: Membership, alice: Membership
) -> None:
    browser = cast.signed_in(hana)
    report = asked(browser, acme, "report_graph_new", person=alice.id, broadcasts="on")
    answer = open_(browser, acme, report, "report_graphml")
    document = ET.fromstring(answer.content)  # noqa: S314 - our own
    label = {
        node.get("id"): node.findtext(f"{GRAPHML}data[@key='label']")
        for node in document.iter(f"{GRAPHML}node")
    }
    counted = {
        (label[edge.get("source")], label[edge.get("target")]): int(
            edge.findtext(f"{GRAPHML}data[@key='messages']") or 0
        )
        for edge in document.iter(f"{GRAPHML}edge")
    }
    assert counted == said.counted()
    assert "attachment" in answer["Content-Disposition"]


def test_timing_and_membership_have_pages_and_files(
    said: Said, acme: Organisation, hana: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(hana)
    hours = {
        "time_zone": "Asia/Kathmandu",
        "work_days": ["1", "2"],
        "work_from": 0,
        "work_until": 24,
    }
    timing = asked(browser, acme, "report_timing_new", person=bob.id, **hours)
    shown = open_(browser, acme, timing).content.decode()
    assert "Timing: Bob" in shown
    assert "Monday, Tuesday, Asia/Kathmandu" in shown

    ward = said.rooms["ward"]
    before = (ward.created_at - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    with clock.moved_by(timedelta(minutes=2)):
        report = asked(browser, acme, "report_membership_new", room=ward.id, at=before)
        assert "Nobody was there" in open_(browser, acme, report).content.decode()
        later = (clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
        report = asked(browser, acme, "report_membership_new", room=ward.id, at=later)
        people = open_(browser, acme, report, "report_people").content.decode("utf-8-sig")
        assert [line[0] for line in csv.reader(people.splitlines())] == [
            *("name", "Alice", "Bob", "Dana")
        ]
        assert "Came into the room" in open_(browser, acme, report, tab="changes").content.decode()
        assert "joined" in open_(browser, acme, report, "report_changes").content.decode()
        # A file of another kind isn't there.
        assert open_(browser, acme, report, "report_graphml").status_code == 404
        assert open_(browser, acme, timing, "report_people").status_code == 404


def test_a_formula_is_only_text_in_the_file(acme: Organisation, alice: Membership) -> None:
    cast.member(acme, "=HYPERLINK(1)")
    browser = cast.signed_in(alice)
    with clock.moved_by(timedelta(minutes=2)):
        now = (clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
        report = asked(browser, acme, "report_membership_new", at=now)
        text = open_(browser, acme, report, "report_people").content.decode()
    assert '\n"\'=HYPERLINK(1)",' in text.replace("\r", "")


def test_only_who_asked_may_look_and_for_an_hour(
    acme: Organisation, alice: Membership, hana: Membership, bob: Membership
) -> None:
    browser, other = cast.signed_in(hana), cast.signed_in(alice)
    report = asked(browser, acme, "report_graph_new", person=bob.id)
    assert open_(other, acme, report).status_code == 403
    with clock.moved_by(timedelta(minutes=59)):
        assert open_(browser, acme, report).status_code == 200
    with clock.moved_by(timedelta(minutes=61)):
        assert open_(browser, acme, report).status_code == 410
    looks = len(recorded(acme))
    assert looks == 2


def test_whom_it_is_about_learns_nothing(
    acme: Organisation, alice: Membership, hana: Membership
) -> None:
    report = asked(cast.signed_in(hana), acme, "report_graph_new", person=alice.id)
    asked(
        cast.signed_in(hana),
        acme,
        "report_timing_new",
        time_zone="UTC",
        work_from=8,
        work_until=18,
    )
    publish(acme)
    examined = cast.signed_in(alice)
    shown = examined.get(reverse("reports", args=[acme.slug])).content.decode()
    assert "The organisation" in shown
    assert str(report) not in shown
    nobodys = open_(examined, acme, uuid4())
    answer = open_(examined, acme, report)
    assert (answer.status_code, nobodys.status_code) == (404, 404)
    assert plain(answer) == plain(nobodys)
    another = cast.member(acme, "Oona", Role.OWNER)
    shown = cast.signed_in(another).get(reverse("reports", args=[acme.slug])).content.decode()
    assert f"/audit/events/{report}" in shown
    assert "Complaint 12" in shown


def plain(answer: Any) -> str:
    return str(answer.content.decode().replace(answer["X-Request-ID"], ""))


def test_nobody_reports_on_themselves(acme: Organisation, hana: Membership) -> None:
    browser = cast.signed_in(hana)
    for name in ("report_graph_new", "report_timing_new"):
        more = {"time_zone": "UTC", "work_from": 8, "work_until": 18}
        answer = ask(browser, acme, name, person=hana.id, **more)
        assert answer.status_code == 422
        assert "Nobody reports on themselves" in answer.content.decode()
    with cast.inside(acme):
        # Nor on an earlier time of their own here.
        earlier = cast.member(acme, "Hana before")
        Membership.objects.filter(id=earlier.id).update(status="ended", account=hana.account)
    answer = ask(browser, acme, "report_graph_new", person=earlier.id)
    assert "Nobody reports on themselves" in answer.content.decode()
    assert recorded(acme) == []


def test_of_another_organisation_nothing_is_known(
    acme: Organisation, hana: Membership, charlie: Membership, globex: Organisation
) -> None:
    theirs = talk.group(globex, charlie)
    party = affairs.party(globex)
    browser = cast.signed_in(hana)
    for about, one in (("person", charlie.id), ("room", theirs.id), ("party", party.id)):
        foreign = ask(browser, acme, "report_graph_new", **{about: str(one)})
        nobodys = ask(browser, acme, "report_graph_new", **{about: uuid4()})
        assert (foreign.status_code, nobodys.status_code) == (422, 422)
        assert "Nothing here has a name that begins so, or this id." in foreign.content.decode()
    assert recorded(acme) == []
    assert recorded(globex) == []


@pytest.mark.parametrize("role", [Role.ADMIN, Role.HELPDESK])
def test_admins_and_helpdesk_may_not(acme: Organisation, bob: Membership, role: Role) -> None:
    browser = cast.signed_in(cast.member(acme, "Adam", role))
    assert browser.get(reverse("reports", args=[acme.slug])).status_code == 403
    assert ask(browser, acme, "report_graph_new", person=bob.id).status_code == 403
    assert "reports?person" not in affairs.get(browser, acme, "member", bob.id).content.decode()
    assert recorded(acme) == []


def test_pages_of_people_rooms_and_parties_lead_to_reports(
    said: Said, acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    room, new = said.rooms["supplier"], reverse("report_graph_new", args=[acme.slug])
    pages = (
        ("member", bob.id, "person"),
        ("room", room.id, "room"),
        ("party", room.party_id, "party"),
    )
    for name, one, about in pages:
        shown = affairs.get(browser, acme, name, one).content.decode()
        assert f"/reports?{about}={one}" in shown
        cards = browser.get(
            reverse("reports", args=[acme.slug]), {about: str(one)}
        ).content.decode()
        assert f"/reports/communication-graph?{about}={one}" in cards
        asking = browser.get(new, {about: str(one)}).content.decode()
        assert f'value="{one}"' in asking
    assert "reports?person" not in affairs.get(browser, acme, "member", alice.id).content.decode()


def test_a_person_is_found_by_name_and_what_was_typed_stays(
    acme: Organisation, hana: Membership, bob: Membership
) -> None:
    cast.member(acme, "Dana One")
    cast.member(acme, "Dana Two")
    browser = cast.signed_in(hana)
    several = ask(browser, acme, "report_graph_new", person_search="dana", reason="Why so")
    assert several.status_code == 422
    assert "Dana One" in several.content.decode()
    assert "Why so" in several.content.decode()
    none = ask(browser, acme, "report_graph_new", person_search="Zoe")
    assert 'value="Zoe"' in none.content.decode()
    report = asked(browser, acme, "report_graph_new", person_search="bob")
    assert "Communication graph: Bob" in open_(browser, acme, report).content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Name one person, one room or one external party."),
        ({"reason": ""}, "This field is required."),
        ({"from_day": "2026-01-02", "to_day": "2026-01-01"}, "ends before it begins"),
        ({"from_day": "2020-01-01"}, "The period is longer than 90 days"),
    ],
)
def test_questions_that_no_report_answers(
    acme: Organisation, hana: Membership, bob: Membership, typed: dict[str, Any], said: str
) -> None:
    days(acme, 90, 400, 400)
    about = {"person": bob.id} if typed else {}
    answer = ask(cast.signed_in(hana), acme, "report_graph_new", **about, **typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert recorded(acme) == []


def test_it_says_what_retention_has_deleted(
    acme: Organisation, hana: Membership, bob: Membership
) -> None:
    days(acme, 10, 400, 400)
    browser = cast.signed_in(hana)
    today = clock.now().date()
    long_ago = {"from_day": today - timedelta(days=20), "to_day": today - timedelta(days=15)}
    report = asked(browser, acme, "report_graph_new", person=bob.id, **long_ago)
    assert "Nothing that is left" in open_(browser, acme, report).content.decode()
    report = asked(browser, acme, "report_graph_new", person=bob.id)
    assert "Nothing matches" in open_(browser, acme, report).content.decode()
