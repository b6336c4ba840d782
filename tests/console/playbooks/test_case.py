"""Where an investigation goes on: its pages know why, and whom or what it is of."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from orgs.models import Membership, Organisation, Role
from tests import cast
from tests.audit.published import publish
from tests.console.playbooks.acts import carried_out
from tests.messaging import talk

CASE = {"reason": "Complaint 12", "case_reference": "HR-12"}
NEW = ("export_new", "proof_new", "report_graph_new", "report_timing_new", "report_membership_new")


def further(browser: Client, of: Organisation, case: object) -> dict[str, str]:
    """The addresses of the pages by which the record says that the case goes on."""
    text = browser.get(reverse("playbook_record", args=[of.slug, case])).content.decode()
    found = re.findall(r'href="([^"]*investigation=[^"]*)"', text)
    return {one.partition("?")[0].rpartition("/")[2]: one.replace("&amp;", "&") for one in found}


def at(of: Organisation, name: str, case: object) -> str:
    return f"{reverse(name, args=[of.slug])}?investigation={case}"


def chosen(page: Any) -> list[tuple[str, str]]:
    """Whom or what a report's form is about: the field, and how its description begins."""
    form = page.context["form"]
    return [(name, re.split(r", | \(", said)[0]) for name, said in form.chosen.items()]


def test_each_page_that_the_record_names_knows_the_case(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    case = carried_out(browser, acme, "investigation", CASE, person=bob.id)
    publish(acme)
    pages = further(browser, acme, case)
    assert pages.keys() == {"reports", "new", "proofs"}

    export = browser.get(pages["new"])
    assert export.context["named"] == [("Concerns", "Bob")]
    graph, timing = (
        browser.get(card.address) for card in browser.get(pages["reports"]).context["cards"]
    )
    assert chosen(graph) == chosen(timing) == [("person", "Bob")]
    proof = browser.get(browser.get(pages["proofs"]).context["new"])
    find = browser.get(browser.get(pages["proofs"]).context["find"])
    assert f"investigation={case}" in find.context["new"]
    for form in (one.context["form"] for one in (export, graph, timing, proof)):
        assert (form["reason"].value(), form["case_reference"].value()) == tuple(CASE.values())


def test_a_person_in_a_room_is_asked_about_in_turn(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = talk.group(acme, bob, name="Ward 9")
    browser = cast.signed_in(alice)
    case = carried_out(browser, acme, "investigation", CASE, person=bob.id, room=room.id)
    publish(acme)
    pages = further(browser, acme, case)
    export = browser.get(pages["new"])
    assert export.context["named"] == [("Room", "Ward 9"), ("Concerns", "Bob")]
    cards = browser.get(pages["reports"]).context["cards"]
    assert [chosen(browser.get(card.address)) for card in cards] == [
        *([("person", "Bob")], [("person", "Bob")], [("room", "Ward 9")])
    ]


@pytest.mark.parametrize("name", NEW)
def test_whom_it_is_about_finds_no_case(
    acme: Organisation, alice: Membership, bob: Membership, name: str
) -> None:
    olu = cast.member(acme, "Olu", Role.OWNER)
    case = carried_out(alice, acme, "investigation", CASE, person=olu.id)
    other = carried_out(alice, acme, "leaver", {"reason": "New job"}, person=bob.id)
    publish(acme)
    theirs, hers = cast.signed_in(olu), cast.signed_in(alice)
    assert [theirs.get(at(acme, name, one)).status_code for one in (case, uuid4())] == [404, 404]
    assert [hers.get(at(acme, name, one)).status_code for one in (case, other, "x")] == [
        *(200, 404, 404)
    ]


def test_the_look_at_the_case_is_an_event_about_the_person(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    case = carried_out(browser, acme, "investigation", CASE, person=bob.id)
    browser.get(at(acme, "export_new", case))
    (viewed,) = cast.events(acme, "audit.viewed")
    assert viewed["data"]["event_id"] == str(case)
