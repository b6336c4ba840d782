"""Pages of retention: periods, their preview and its second administrator, holds, records."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from audit.models import Hold, RequestStatus, RetentionPeriods, RetentionRequest
from audit.services.retention.sweeps import sweep
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from tests import cast
from tests.audit.published import publish
from tests.cast import inside
from tests.messaging.pages import affairs

PERIODS = {"metadata_days": 365, "existence_days": 2555, "audit_days": 2555}
SHORTER = {**PERIODS, "audit_days": 30}


@pytest.fixture
def ann(acme: Organisation) -> Membership:
    """A second administrator."""
    return cast.member(acme, "Ann", Role.ADMIN)


@pytest.fixture
def odo(acme: Organisation) -> Membership:
    """An auditor."""
    return cast.member(acme, "Odo", Role.AUDITOR)


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


def at(of: Organisation, *words: object) -> str:
    return "/".join(["/console", of.slug, "retention", *map(str, words)])


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def days(of: Organisation) -> dict[str, int]:
    with inside(of):
        return {name: getattr(RetentionPeriods.objects.get(), name) for name in PERIODS}


def request_of(of: Organisation) -> RetentionRequest:
    with inside(of):
        return RetentionRequest.objects.get()


def shortened(browser: Client, of: Organisation) -> RetentionRequest:
    browser.post(at(of, "change"), {**SHORTER, "reason": "Storage"})
    return request_of(of)


# Periods


def test_the_periods_are_told_in_words(acme: Organisation, ann: Membership) -> None:
    page = text(cast.signed_in(ann).get(at(acme)))
    for told in ("365 days", "2555 days", "version 1", "For ever", "Proof of existence"):
        assert told in page
    assert "Change the periods" not in page
    assert "Holds" not in page


def test_the_preview_counts_what_would_go(acme: Organisation, browser: Client) -> None:
    person = cast.member(acme, "Sue")
    with clock.moved_by(-timedelta(days=40)), inside(acme):
        suspend_membership(membership_id=person.id, reason="Left")
        publish(acme)
    answer = browser.get(at(acme, "change"), SHORTER)
    page = text(answer)

    assert "a second administrator has to approve" in page
    counted = {count.what: count.number for count in answer.context["counts"]}
    assert counted.keys() == {
        "Administration, sign-in, exports, reading of audit data: whole events",
        "Membership reasons",
    }
    assert min(counted.values()) >= 1
    assert days(acme) == PERIODS


def test_what_gets_longer_counts_at_once(acme: Organisation, browser: Client) -> None:
    longer = {**PERIODS, "audit_days": 3000}
    assert "counts from the moment you confirm" in text(browser.get(at(acme, "change"), longer))
    answer = browser.post(at(acme, "change"), {**longer, "reason": "Law"}, follow=True)
    assert "The retention periods are changed." in text(answer)
    assert days(acme) == longer


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"audit_days": 29}, "greater than or equal to 30"),
        ({"existence_days": 100}, "shorter than the metadata"),
        ({"metadata_days": ""}, "required"),
    ],
)
def test_what_is_not_possible_is_said(
    acme: Organisation, browser: Client, wrong: dict[str, Any], says: str
) -> None:
    for answer in (
        browser.get(at(acme, "change"), PERIODS | wrong),
        browser.post(at(acme, "change"), PERIODS | wrong | {"reason": "x"}),
    ):
        assert answer.status_code == 422
        assert says in text(answer)


def test_a_change_needs_its_reason(acme: Organisation, browser: Client) -> None:
    answer = browser.post(at(acme, "change"), {**SHORTER, "reason": ""})
    assert answer.status_code == 422
    assert answer.context["shorter"]
    with inside(acme):
        assert not RetentionRequest.objects.exists()


# The second administrator


def test_what_gets_shorter_waits_for_another(
    acme: Organisation, browser: Client, ann: Membership
) -> None:
    asked = shortened(browser, acme)
    assert days(acme) == PERIODS
    own = text(browser.get(at(acme, "requests", asked.id)))
    assert "You asked for this, so somebody else decides." in own
    assert 'name="decision"' not in own

    anns = cast.signed_in(ann)
    approvals = text(anns.get(f"/console/{acme.slug}/approvals"))
    assert "Shorter retention periods" in approvals
    assert "1 decision waits" in text(anns.get(f"/console/{acme.slug}/"))
    page = anns.get(at(acme, "requests", asked.id))
    (audit,) = [one for one in page.context["changes"] if one.label == "Audit"]
    assert (audit.before, audit.after) == (2555, 30)
    done = anns.post(at(acme, "requests", asked.id), {"decision": "approve"}, follow=True)
    assert "Shorter retention periods: approved." in text(done)
    assert days(acme) == SHORTER
    assert "Ann" in text(anns.get(f"/console/{acme.slug}/approvals?tab=decided"))


def test_one_can_not_approve_ones_own(acme: Organisation, browser: Client) -> None:
    asked = shortened(browser, acme)
    answer = browser.post(at(acme, "requests", asked.id), {"decision": "approve"})
    assert answer.status_code == 403
    assert days(acme) == PERIODS


def test_a_denial_needs_a_reason(acme: Organisation, browser: Client, ann: Membership) -> None:
    asked = shortened(browser, acme)
    anns = cast.signed_in(ann)
    again = anns.post(at(acme, "requests", asked.id), {"decision": "deny"})
    assert "Say why it is denied." in text(again)
    anns.post(at(acme, "requests", asked.id), {"decision": "deny", "reason": "A case runs"})
    page = text(browser.get(at(acme, "requests", asked.id)))
    assert "Ann denied this request on" in page
    assert "Reason: A case runs" in page


def test_whoever_comes_second_sees_what_the_first_decided(
    acme: Organisation, browser: Client, ann: Membership
) -> None:
    asked = shortened(browser, acme)
    anns = cast.signed_in(ann)
    anns.post(at(acme, "requests", asked.id), {"decision": "deny", "reason": "No"})
    other = cast.signed_in(cast.member(acme, "Amy", Role.ADMIN))
    answer = other.post(at(acme, "requests", asked.id), {"decision": "approve"})
    assert answer.status_code == 409
    assert "Somebody else decided first" in text(answer)
    assert "Ann denied this request on" in text(answer)


def test_ones_own_request_is_withdrawn(
    acme: Organisation, browser: Client, odo: Membership
) -> None:
    asked = shortened(browser, acme)
    page = at(acme, "requests", asked.id, "withdraw")
    assert cast.signed_in(odo).post(page).status_code == 403
    assert "The periods stay as they are." in text(browser.get(page))
    browser.post(page)
    assert request_of(acme).status == RequestStatus.WITHDRAWN


def test_what_nobody_decided_stands_on_its_tab(acme: Organisation, browser: Client) -> None:
    asked = shortened(browser, acme)
    with clock.moved_by(timedelta(days=7, seconds=1)):
        owner = cast.signed_in(cast.member(acme, "Eve", Role.OWNER))
        tab = text(owner.get(f"/console/{acme.slug}/approvals?tab=expired"))
        assert "Shorter retention periods" in tab
        assert "it lapsed on" in text(owner.get(at(acme, "requests", asked.id)))


# Holds


def hold_of(of: Organisation) -> Hold:
    with inside(of):
        return Hold.objects.select_related("person").get()


def test_a_hold_is_placed_from_the_persons_page(
    acme: Organisation, bob: Membership, odo: Membership
) -> None:
    odos = cast.signed_in(odo)
    person = odos.get(f"/console/{acme.slug}/members/{bob.id}").content.decode()
    link = f"{at(acme, 'holds', 'new')}?person={bob.id}"
    assert link in person
    page = odos.get(link)
    assert "Person Bob" in text(page)
    answer = odos.post(
        at(acme, "holds", "new"),
        {"person": bob.id, "reason": "Case 7", "case_reference": "HC-7"},
        follow=True,
    )
    assert "The hold is in force." in text(answer)
    assert hold_of(acme).person == bob
    assert "Bob HC-7: “Case 7”" in text(odos.get(at(acme, "holds")))


def test_somebody_is_found_by_a_name_and_chosen_among_several(
    acme: Organisation, browser: Client
) -> None:
    first, _ = cast.member(acme, "Tess Adams"), cast.member(acme, "Tess Burke")
    typed = {"person_search": "tess", "reason": "Case 8"}
    asks = browser.post(at(acme, "holds", "new"), typed)
    assert asks.status_code == 422
    assert "Choose the person." in text(asks)
    assert "Tess Burke" in text(asks)
    browser.post(at(acme, "holds", "new"), {**typed, "person": first.id})
    assert hold_of(acme).person == first


def test_one_that_fits_alone_is_taken_and_a_stranger_is_not(
    acme: Organisation, browser: Client, charlie: Membership
) -> None:
    for typed in ({"person_search": "charlie"}, {"person": charlie.id}, {"person": uuid4()}):
        answer = browser.post(at(acme, "holds", "new"), {**typed, "reason": "Case 9"})
        assert answer.status_code == 422
        assert "No person here has this name, number or id." in text(answer)
    zoe = cast.member(acme, "Zoe")
    browser.post(at(acme, "holds", "new"), {"person_search": " zoe ", "reason": "Case 9"})
    assert hold_of(acme).person == zoe


def test_a_hold_on_a_room_and_a_period(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    room = affairs.direct(acme, alice, bob)
    link = f"{at(acme, 'holds', 'new')}?room={room.id}"
    assert link in browser.get(f"/console/{acme.slug}/rooms/{room.id}").content.decode()
    assert "Alice and Bob" in text(browser.get(link))
    browser.post(
        at(acme, "holds", "new"),
        {
            "room": room.id,
            "from_at": "2026-01-01T00:00",
            "until_at": "2026-02-01T00:00",
            "reason": "Case 10",
        },
    )
    held = text(browser.get(at(acme, "holds", hold_of(acme).id)))
    assert "Alice and Bob" in held
    assert "1 Jan 2026, 00:00 UTC" in held


def test_a_hold_that_covers_nothing_is_refused(acme: Organisation, browser: Client) -> None:
    answer = browser.post(at(acme, "holds", "new"), {"reason": "Case 11"})
    assert answer.status_code == 422
    assert "Name a person, a room or a period." in text(answer)


def lift_asked(browser: Client, of: Organisation) -> RetentionRequest:
    person = cast.member(of, "Held")
    browser.post(at(of, "holds", "new"), {"person": person.id, "reason": "Case 12"})
    browser.post(at(of, "holds", hold_of(of).id, "lift"), {"reason": "Case closed"})
    return request_of(of)


def test_a_hold_is_lifted_by_two(acme: Organisation, browser: Client, odo: Membership) -> None:
    asked = lift_asked(cast.signed_in(odo), acme)
    assert hold_of(acme).lifted_at is None
    assert "Odo asks to lift this hold" in text(browser.get(at(acme, "holds", hold_of(acme).id)))
    page = text(browser.get(at(acme, "requests", asked.id)))
    assert "Hold Held" in page
    browser.post(at(acme, "requests", asked.id), {"decision": "approve"})
    assert hold_of(acme).lifted_at is not None
    assert "Holds that were lifted" in text(browser.get(at(acme, "holds")))


def test_admins_learn_of_no_hold(
    acme: Organisation, browser: Client, ann: Membership, bob: Membership
) -> None:
    asked = lift_asked(browser, acme)
    anns = cast.signed_in(ann)
    held = hold_of(acme)
    for path, status in (
        (at(acme, "holds"), 403),
        (at(acme, "holds", held.id), 403),
        (at(acme, "requests", asked.id), 404),
    ):
        assert anns.get(path).status_code == status
    assert anns.post(at(acme, "requests", asked.id), {"decision": "approve"}).status_code == 404
    assert "hold" not in text(anns.get(f"/console/{acme.slug}/approvals")).lower()
    assert "decision waits" not in text(anns.get(f"/console/{acme.slug}/"))
    assert "hold_new" not in anns.get(f"/console/{acme.slug}/members/{bob.id}").content.decode()


# Records


def test_each_sweep_that_deleted_something_stands_in_words(
    acme: Organisation, browser: Client
) -> None:
    assert "Nothing was deleted yet" in text(browser.get(at(acme, "deletions")))
    publish(acme)
    with clock.moved_by(timedelta(days=2600)):
        with inside(acme):
            sweep()
        publish(acme)
        late = cast.signed_in(cast.member(acme, "Late", Role.OWNER))
        answer = late.get(at(acme, "deletions"))
    (record,) = answer.context["records"]
    assert record.parts
    assert f"/audit/events/{record.event_id}" in answer.content.decode()


# Who


def test_another_organisation_finds_nothing(
    acme: Organisation, browser: Client, charlie: Membership
) -> None:
    asked = lift_asked(browser, acme)
    charlies = cast.signed_in(charlie)
    slug = charlie.organisation.slug
    theirs = f"/console/{slug}/retention"
    for path in (f"requests/{asked.id}", f"holds/{hold_of(acme).id}"):
        assert charlies.get(f"{theirs}/{path}").status_code == 404
        assert charlies.get(at(acme, path)).status_code == 404
    assert (
        charlies.post(f"{theirs}/requests/{asked.id}", {"decision": "approve"}).status_code == 404
    )
