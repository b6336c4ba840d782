"""The SIEM's pages: health in words, a test, each act, and what stands nowhere."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import DestinationState, SiemDestination
from audit.registry import EventClass
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.audit.published import publish
from tests.audit.siem import receivers
from tests.audit.siem.destinations import (
    TOKEN,
    log_of_events,
    places,
    received,
    reload,
    send,
    sent_to,
)
from tests.audit.siem.receivers import Receiver, authority
from tests.cast import inside

URL = "https://siem.example.org/collect"


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


def at(of: Organisation, *words: object) -> str:
    return "/".join(["/console", of.slug, "siem", *map(str, words)])


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def typed(address: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "Sentinel",
        "format": "splunk_hec",
        "address": address,
        "secret": TOKEN,
        "header": "Authorization",
        "ca": authority().ca,
        "classes": [one.value for one in EventClass],
        "least_severity": 1,
        **more,
    }


def only(of: Organisation) -> SiemDestination:
    with inside(of):
        return SiemDestination.objects.get()


def test_an_empty_list_says_so(acme: Organisation, browser: Client) -> None:
    assert "No destination was set up" in text(browser.get(at(acme)))


def test_a_destination_is_set_up_from_now_on_and_its_secret_shown_nowhere(
    acme: Organisation, alice: Membership, browser: Client
) -> None:
    log_of_events(acme, 3)
    done = browser.post(at(acme, "new"), typed(URL))

    row = only(acme)
    assert done.headers["Location"] == at(acme, row.id)
    assert (row.cursor, row.set_up_by_id) == (len(places(acme)), alice.id)
    for page in (at(acme), at(acme, row.id), at(acme, row.id, "change")):
        answer = browser.get(page)
        assert answer.status_code == 200
        assert TOKEN not in answer.content.decode()
    assert "Set; it is never shown" in text(browser.get(at(acme, row.id)))


def test_it_may_begin_in_the_past(acme: Organisation, browser: Client) -> None:
    log_of_events(acme, 3)
    browser.post(at(acme, "new"), typed(URL, place="2"))
    assert only(acme).cursor == 2
    since = f"{clock.now() - timedelta(days=2):%Y-%m-%dT%H:%M}"
    browser.post(at(acme, "new"), typed(URL, name="Other", since=since))
    with inside(acme):
        assert SiemDestination.objects.get(name="Other").cursor == 0
    ahead = browser.post(at(acme, "new"), typed(URL, name="Third", place="99"))
    assert ahead.status_code == 422


def test_what_is_refused_keeps_what_was_typed_but_the_secret(
    acme: Organisation, browser: Client
) -> None:
    answer = browser.post(at(acme, "new"), typed("http://siem.example.org/"))

    assert answer.status_code == 422
    assert "must begin with https://" in text(answer)
    page = answer.content.decode()
    assert "http://siem.example.org/" in page
    assert TOKEN not in page


@pytest.mark.parametrize("takes", [True, False])
def test_a_test_sends_one_event_and_shows_what_came_back(
    acme: Organisation, browser: Client, splunk: Receiver, takes: bool
) -> None:
    publish(acme)
    row = sent_to(acme, splunk)
    said = f'{{"text":"Invalid <b>token</b> {TOKEN}","code":4}}'.encode()
    if not takes:
        splunk.behaviour = receivers.answers(403, said)
    assert browser.get(at(acme, row.id, "test")).status_code == 200
    assert splunk.requests == []
    answer = browser.post(at(acme, row.id, "test"))

    assert len(splunk.requests) == 1
    assert len(splunk.requests[0].events) == 1
    assert ("It took the event" in text(answer)) == takes
    page = answer.content.decode()
    assert TOKEN not in page
    assert "<b>token" not in page
    assert ("(hidden)" in page) != takes
    assert reload(acme, row).cursor == 0
    (tested,) = cast.events(acme, "siem.tested")
    assert ("not valid" in tested["data"]["outcome"]) != takes


def test_an_auditor_sees_and_changes_nothing(acme: Organisation, splunk: Receiver) -> None:
    row = sent_to(acme, splunk)
    auditor = cast.signed_in(cast.member(acme, "Aud", Role.AUDITOR))

    page = auditor.get(at(acme, row.id))
    assert page.status_code == 200
    assert "Delete…" not in text(page)
    for act in ("change", "test", "pause", "resume", "replay", "delete"):
        assert auditor.get(at(acme, row.id, act)).status_code == 403
        assert auditor.post(at(acme, row.id, act), {"reason": "x"}).status_code == 403


def test_pause_resume_and_delete(acme: Organisation, browser: Client) -> None:
    row = sent_to(acme, URL)
    assert browser.post(at(acme, row.id, "pause")).status_code == 422, "without a reason"
    browser.post(at(acme, row.id, "pause"), {"reason": "Maintenance."})
    assert only(acme).state == DestinationState.PAUSED
    assert "Paused: nothing is sent" in text(browser.get(at(acme)))
    browser.post(at(acme, row.id, "resume"))
    assert only(acme).state == DestinationState.ACTIVE
    again = browser.post(at(acme, row.id, "resume"))
    assert (again.status_code, "active already" in text(again)) == (422, True)
    browser.post(at(acme, row.id, "delete"), {"reason": "New SIEM."})
    with inside(acme):
        assert not SiemDestination.objects.exists()


def test_a_replay_says_how_much_it_is_before_it_does_it(
    acme: Organisation, browser: Client, splunk: Receiver
) -> None:
    log_of_events(acme, 8)
    row = send(acme, sent_to(acme, splunk))
    had = row.cursor
    form = {"place": str(had - 5), "reason": "Their disk died."}
    shown = browser.post(at(acme, row.id, "replay"), form)
    assert "5 places of the log are sent again" in text(shown)
    assert "Duplicates will come" in text(shown)
    assert only(acme).cursor == had
    changed = browser.post(
        at(acme, row.id, "replay"), {**form, "place": str(had - 6), "confirmed": str(had - 5)}
    )
    assert "6 places" in text(changed), "another place than was shown"
    assert only(acme).cursor == had
    done = browser.post(at(acme, row.id, "replay"), {**form, "confirmed": str(had - 5)})
    assert done.status_code == 302
    assert only(acme).cursor == had - 5
    ahead = browser.post(at(acme, row.id, "replay"), {**form, "place": str(had)})
    assert ahead.status_code == 422


def test_a_parked_event_is_named_and_skipped(
    acme: Organisation, browser: Client, splunk: Receiver
) -> None:
    log_of_events(acme, 4)
    splunk.behaviour = receivers.refuses_event(3)
    row = send(acme, sent_to(acme, splunk))

    page = browser.get(at(acme, row.id))
    assert "It refuses the event at place 3" in text(page)
    (parked,) = cast.events(acme, "siem.parked")
    assert f"/audit/events/{parked['data']['event_id']}" in page.content.decode()
    assert "place 3" in text(browser.get(at(acme, row.id, "skip")))
    browser.post(at(acme, row.id, "skip"), {"reason": "Too long for them.", "seq": 3})
    row = send(acme, row)
    assert received(splunk) == [seq for seq in places(acme) if seq != 3]
    assert browser.get(at(acme, row.id, "skip")).status_code == 409


def test_a_secret_is_changed_and_the_address_not_without_it(
    acme: Organisation, browser: Client, splunk: Receiver
) -> None:
    publish(acme)
    row = sent_to(acme, splunk)
    same = typed(splunk.url, name="Splunk", secret="")
    assert browser.post(at(acme, row.id, "change"), same).status_code == 302
    moved = browser.post(at(acme, row.id, "change"), {**same, "address": URL})
    assert (moved.status_code, "Give the secret again" in text(moved)) == (422, True)
    new = browser.post(at(acme, row.id, "change"), {**same, "secret": "new-secret-of-theirs"})
    assert new.status_code == 302
    send(acme, row)
    assert splunk.requests[0].headers["Authorization"] == "Splunk new-secret-of-theirs"


def test_trouble_stands_on_the_overview(
    acme: Organisation, browser: Client, splunk: Receiver
) -> None:
    publish(acme)
    row = sent_to(acme, splunk)
    home = f"/console/{acme.slug}/"
    assert "SIEM destination" not in text(browser.get(home))
    splunk.behaviour = receivers.answers(401)
    send(acme, row)
    assert "1 SIEM destination doesn&#x27;t get the events" in text(browser.get(home))


def test_the_list_asks_no_more_of_many_destinations(
    acme: Organisation, browser: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        sent_to(acme, URL, name=f"SIEM {number}")
    browser.get(at(acme))
    with django_assert_max_num_queries(20):
        assert browser.get(at(acme)).status_code == 200
