"""The pages of exports: asking, watching, stopping; what its subject doesn't see."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from audit.models import Export, IndexedEvent
from audit.selectors.events import EventFilter
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.audit.exports.acts import JSON_LINES, again, asked, work
from tests.audit.published import grow, publish
from tests.cast import inside
from tests.moments import HOUR, beginning


def at(of: Organisation, *words: object) -> str:
    return "/".join(["/console", of.slug, "exports", *map(str, words)])


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


FORM = {"format": "csv", "reason": "The regulator asks.", "case_reference": "FCA-7"}


def test_asked_for_watched_and_there(acme: Organisation, erin: Membership) -> None:
    grow(acme, 5)
    browser = cast.signed_in(erin)
    asked_for = browser.post(at(acme, "new"), FORM | {"action": "organisation.created"})
    assert asked_for.status_code == 302
    waiting = text(browser.get(asked_for["Location"]))
    assert "Waiting 0 of 6 events" in waiting
    assert "Cancel…" in waiting
    work(acme)
    page = text(browser.get(asked_for["Location"]))

    assert "Done 6 of 6 events" in page
    assert "What happened Organisation created" in page
    assert "FCA-7" in page
    assert "SHA-256" in page
    assert "Cancel…" not in page
    assert "CSV, for a spreadsheet" in text(browser.get(at(acme)))


def test_the_explorers_filter_comes_along(
    acme: Organisation, erin: Membership, bob: Membership
) -> None:
    grow(acme, 1)
    browser = cast.signed_in(erin)
    query = f"?action=organisation.created&actor={bob.id}&room=nonsense&colour=red"
    page = browser.get(at(acme, "new") + query)

    assert page.context["named"] == [("Who", "Bob")]
    form = page.context["form"]
    assert form["action"].value() == "organisation.created"
    assert form["room"].value() is None
    made = browser.post(at(acme, "new"), FORM | {"actor": bob.id})
    assert "Who Bob" in text(browser.get(made["Location"]))


def test_every_filter_of_the_explorer_comes_along(
    acme: Organisation, erin: Membership, bob: Membership
) -> None:
    grow(acme, 1)
    browser = cast.signed_in(erin)
    query = f"?from_at=2026-03-01T08:00&to_at=2026-03-02T08:00&about={bob.id}&outcome=denied"
    searched = browser.get(f"/console/{acme.slug}/audit{query}").content.decode()
    (link,) = re.findall(r'href="([^"]*/exports/new[^"]*)"', searched)
    form = browser.get(link.replace("&amp;", "&")).context["form"]
    typed = {one.name: one.value() for one in form if one.value()}
    made = browser.post(at(acme, "new"), FORM | typed)
    assert made.status_code == 302
    with inside(acme):
        chosen = Export.objects.get().chosen
    assert chosen == {
        "from_at": "2026-03-01T08:00:00.000000Z",
        "to_at": "2026-03-02T08:00:00.000000Z",
        "about": str(bob.id),
        "outcome": "denied",
    }
    again_ = browser.get(browser.get(made["Location"]).context["again"]).context["form"]
    assert {one.name: one.value() for one in again_ if one.value()} == {**typed, "format": "csv"}


def test_a_period_by_name_becomes_the_time_at_which_it_began(
    acme: Organisation, erin: Membership
) -> None:
    with beginning(HOUR):
        form = cast.signed_in(erin).get(at(acme, "new") + "?period=7").context["form"]
        today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    assert form["from_at"].value() == today - timedelta(days=7)


def test_an_admin_who_may_not_export_is_not_led_to_it(acme: Organisation, erin: Membership) -> None:
    grow(acme, 1)
    address = f"/console/{acme.slug}/audit?outcome=success"
    admin = cast.signed_in(cast.member(acme, "Ada", Role.ADMIN))
    assert "Export these" in cast.signed_in(erin).get(address).content.decode()
    assert "Export these" not in admin.get(address).content.decode()


def test_a_reason_is_needed_and_what_was_typed_stays(acme: Organisation, erin: Membership) -> None:
    grow(acme, 1)
    answer = cast.signed_in(erin).post(at(acme, "new"), FORM | {"reason": "", "address": "::1"})

    assert answer.status_code == 422
    assert "There is a problem" in text(answer)
    assert 'value="::1"' in answer.content.decode()
    assert cast.events(acme, "export.requested") == []


def test_without_a_checkpoint_it_says_so(acme: Organisation, erin: Membership) -> None:
    answer = cast.signed_in(erin).post(at(acme, "new"), FORM)

    assert answer.status_code == 422
    assert "The log has no checkpoint yet." in text(answer)


def test_cancelled_from_its_page(acme: Organisation, erin: Membership) -> None:
    publish(acme)
    made = asked(erin)
    browser = cast.signed_in(erin)
    assert "Nothing more is written" in text(browser.get(at(acme, made.id, "cancel")))
    browser.post(at(acme, made.id, "cancel"))

    assert again(made).status == "cancelled"
    assert "nothing of it is left" in text(browser.get(at(acme, made.id)))
    assert browser.post(at(acme, made.id, "cancel")).status_code == 409
    assert cast.signed_in(erin).get(at(acme, made.id, "file")).status_code == 409


def test_why_it_failed_is_on_its_page(acme: Organisation, erin: Membership) -> None:
    publish(acme)
    made = asked(erin)
    with inside(acme):
        Export.objects.filter(id=made.id).update(status="failed", failure="The disk was full.")

    assert "The disk was full." in text(cast.signed_in(erin).get(at(acme, made.id)))


def test_its_subject_sees_nothing_of_it_by_any_route(
    acme: Organisation, erin: Membership, alice: Membership
) -> None:
    publish(acme)
    made = asked(erin, JSON_LINES, EventFilter(actor=alice.id))
    work(acme)
    publish(acme)
    hers, others = cast.signed_in(alice), cast.signed_in(cast.member(acme, "Olu", Role.OWNER))

    assert str(made.id) in others.get(at(acme)).content.decode()
    assert str(made.id) not in hers.get(at(acme)).content.decode()
    nowhere = text(hers.get(at(acme, uuid4())))
    for route in ("", "cancel", "file", "manifest"):
        address = "/".join([at(acme, made.id), *filter(None, [route])])
        answer = hers.get(address)
        assert answer.status_code == 404
        assert without_ids(text(answer)) == without_ids(nowhere)
    assert hers.post(at(acme, made.id, "cancel")).status_code == 404
    with inside(acme):
        events = IndexedEvent.objects.filter(type__startswith="export.")
        ids = list(events.values_list("event_id", flat=True))
    assert len(ids) == 2
    for event_id in ids:
        assert hers.get(f"/console/{acme.slug}/audit/events/{event_id}").status_code == 404


def without_ids(page: str) -> str:
    return re.sub(r"[0-9a-f]{8}[0-9a-f-]{10,}", "…", page)


def test_whoever_asks_about_themselves_sees_it(acme: Organisation, erin: Membership) -> None:
    publish(acme)
    made = asked(erin, JSON_LINES, EventFilter(actor=erin.id))

    assert cast.signed_in(erin).get(at(acme, made.id)).status_code == 200


@pytest.mark.parametrize("role", [Role.ADMIN, Role.HELPDESK])
def test_others_may_not_export(acme: Organisation, erin: Membership, role: Role) -> None:
    publish(acme)
    made = asked(erin)
    browser = cast.signed_in(cast.member(acme, "Adam", role))

    for address in (at(acme), at(acme, "new"), at(acme, made.id), at(acme, made.id, "file")):
        assert browser.get(address).status_code == 403


def test_the_whole_page_is_fetched_again_once_its_progress_has_ended(
    acme: Organisation, erin: Membership
) -> None:
    grow(acme, 2)
    made, browser = asked(erin), cast.signed_in(erin)
    assert "HX-Refresh" not in browser.get(at(acme, made.id), headers={"HX-Request": "true"})
    work(acme)
    ended = browser.get(at(acme, made.id), headers={"HX-Request": "true"})
    assert ended["HX-Refresh"] == "true"
    assert "HX-Refresh" not in browser.get(at(acme, made.id))


def test_what_has_ended_isnt_offered_to_be_cancelled(acme: Organisation, erin: Membership) -> None:
    grow(acme, 2)
    made, browser = asked(erin), cast.signed_in(erin)
    work(acme)
    answer = browser.get(at(acme, made.id, "cancel"), follow=True)
    assert answer.redirect_chain == [(at(acme, made.id), 302)]
    assert "there is nothing to cancel" in text(answer)
