"""Events counted by who acted, what happened and day; a look like any other."""

from datetime import timedelta

import pytest
from django.test import Client

from audit.events.reading import AuditSearched
from audit.selectors import counts
from audit.services.recording import Fact
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.audit.aged import happened
from tests.audit.pages.looking import at, sees, suspends, text
from tests.audit.published import publish
from tests.audit.test_existence import say
from tests.cast import Phone


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


@pytest.fixture
def log(acme: Organisation, alice: Membership, bob: Membership) -> Organisation:
    """Alice suspends two people, Bob one."""
    for by, name in ((alice, "Sue"), (alice, "Tom"), (bob, "Uma")):
        suspends(by, cast.member(acme, name))
    publish(acme)
    return acme


def lines(browser: Client, of: Organisation, query: str = "") -> list[tuple[str, int, str]]:
    answer = browser.get(at(of, "counts") + query)
    assert answer.status_code == 200
    found: list[tuple[str, int, str]] = answer.context["lines"]
    return found


def test_by_who_acted_each_with_the_events_behind_it(
    log: Organisation, browser: Client, alice: Membership, bob: Membership
) -> None:
    found = lines(browser, log, "?action=member.suspended")
    assert [(label, number) for label, number, _ in found] == [("Alice", 2), ("Bob", 1)]
    address = found[0][2]
    assert address == f"{at(log)}?action=member.suspended&actor={alice.id}"
    assert sees(browser, log, address.removeprefix(at(log))) == ["member.suspended"] * 2


def test_who_has_no_id_leads_nowhere(log: Organisation, browser: Client) -> None:
    by_label = {label: address for label, _, address in lines(browser, log)}
    assert by_label["SemaFore server"] == ""


def test_by_what_happened(log: Organisation, browser: Client) -> None:
    found = {
        label: (number, address) for label, number, address in lines(browser, log, "?by=action")
    }
    assert found["Member suspended"] == (3, f"{at(log)}?action=member.suspended")
    assert sum(number for number, _ in found.values()) == len(sees(browser, log))


def test_by_day_leads_to_that_day_alone(log: Organisation, browser: Client) -> None:
    day = clock.now() - timedelta(days=3)
    looks = [Fact(AuditSearched(filters={}, newest=None, oldest=None)) for _ in range(4)]
    happened(log, looks, ago=timedelta(days=3))
    found = {label: (number, address) for label, number, address in lines(browser, log, "?by=day")}
    number, address = found[f"{day:%-d %b %Y}"]
    assert number == 4
    assert sees(browser, log, address.removeprefix(at(log))) == ["audit.searched"] * 4


def test_it_counts_the_newest_and_says_so(
    log: Organisation, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "All 3 events that fit." in text(
        browser.get(at(log, "counts") + "?action=member.suspended")
    )
    monkeypatch.setattr(counts, "COUNTED", 2)
    page = browser.get(at(log, "counts") + "?action=member.suspended")
    assert "The newest 2 events that fit; there are more." in text(page)
    assert {(label, number) for label, number, _ in page.context["lines"]} == {
        ("Bob", 1),
        ("Alice", 1),
    }


def test_it_says_why_nothing_is_there(acme: Organisation, browser: Client) -> None:
    assert "Nothing yet" in text(browser.get(at(acme, "counts")))
    publish(acme)
    assert "Nothing matches" in text(browser.get(at(acme, "counts") + "?outcome=denied"))


def test_counting_is_an_event_which_whom_it_is_about_cannot_read(
    log: Organisation, browser: Client, alice: Membership
) -> None:
    second = cast.member(log, "Oli", Role.OWNER)
    lines(browser, log, f"?actor={second.id}&by=action")
    (event,) = cast.events(log, "audit.counted")
    assert event["data"] == {"filters": {"actor": str(second.id)}, "by": "action", "counted": 0}
    publish(log)
    assert sees(browser, log, "?action=audit.counted") == ["audit.counted"]
    assert sees(cast.signed_in(second), log, "?action=audit.counted") == []


def test_an_admin_counts_what_an_admin_reads(log: Organisation, browser: Client) -> None:
    happened(
        log, [Fact(AuditSearched(filters={}, newest=None, oldest=None))], ago=timedelta(hours=1)
    )
    admin = cast.signed_in(cast.member(log, "Ann", Role.ADMIN))
    assert "Audit searched" in [label for label, _, _ in lines(browser, log, "?by=action")]
    assert "Audit searched" not in [label for label, _, _ in lines(admin, log, "?by=action")]


def test_another_organisation_counts_none_of_it(
    log: Organisation, globex: Organisation, charlie: Membership, alice: Membership
) -> None:
    publish(globex)
    browser = cast.signed_in(charlie)
    assert browser.get(at(log, "counts")).status_code == 404
    assert lines(browser, globex, f"?actor={alice.id}") == []


def test_a_person_is_one_line_by_their_own_name_whatever_device_it_was(
    acme: Organisation, browser: Client, alice_phone: Phone, bob_phone: Phone
) -> None:
    say(alice_phone, bob_phone, texts=[b"one"])
    publish(acme)
    found = lines(browser, acme, "?action=message.accepted")
    assert [(label, number) for label, number, _ in found] == [("Alice", 1)]
