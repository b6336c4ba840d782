"""The explorer's filters: in the address, in chips, by names that are typed or followed."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from django.test import Client

from audit.services.recording import Fact
from messaging.events.messages import MessageAccepted
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.ids import uuid7
from tests import cast
from tests.audit.aged import happened
from tests.audit.pages.looking import at, sees, suspends, text
from tests.audit.published import publish

ADDRESS = "192.0.2.77"


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


@pytest.fixture
def sue(acme: Organisation) -> Membership:
    return cast.member(acme, "Sue")


@pytest.fixture
def log(acme: Organisation, alice: Membership, bob: Membership, sue: Membership) -> Organisation:
    """Alice suspends Sue from somewhere; 40 days ago Oli was admitted."""
    with clock.moved_by(-timedelta(days=40)):
        cast.member(acme, "Oli")
        publish(acme)
    suspends(alice, sue, address=ADDRESS)
    publish(acme)
    return acme


def chips_of(browser: Client, of: Organisation, query: str) -> dict[str, str]:
    """The chips' words, by their labels."""
    answer = browser.get(at(of) + query)
    return {chip.label: chip.value for chip in answer.context["chips"]}


def goes_to(answer: Any) -> dict[str, str]:
    """The filters of the address to which the page sends on."""
    assert answer.status_code == 302
    return {
        name: values[0] for name, values in parse_qs(answer["Location"].partition("?")[2]).items()
    }


# What is filtered


@pytest.mark.parametrize(
    ("query", "newest"),
    [
        (f"?address={ADDRESS}", ["member.suspended"]),
        ("?outcome=denied", []),
        ("?outcome=success&action=member.suspended", ["member.suspended"]),
        ("?message={0}", []),
        ("?room={0}", []),
        ("?actor={alice}", ["member.suspended"]),
        ("?target={sue}&action=member.suspended", ["member.suspended"]),
        ("?target={sue}&action=member.ended", []),
    ],
)
def test_every_filter_filters(
    log: Organisation, alice: Membership, sue: Membership, query: str, newest: list[str]
) -> None:
    named = query.format(uuid4(), alice=alice.id, sue=sue.id)
    assert sees(cast.signed_in(alice), log, named) == newest


def test_periods_begin_at_midnight_utc(log: Organisation, browser: Client) -> None:
    every = sees(browser, log)
    today = sees(browser, log, "?period=today")
    month = sees(browser, log, "?period=30")
    assert today == month
    assert len(every) == len(month) + 1
    midnight = f"{clock.now():%Y-%m-%d}T00:00"
    assert sees(browser, log, f"?to_at={midnight}") == ["member.admitted"]
    assert "member.suspended" in sees(browser, log, f"?from_at={midnight}")


def test_a_message_is_found_by_its_id(acme: Organisation, browser: Client) -> None:
    message = uuid7()
    accepted = MessageAccepted(
        message_id=message,
        content_root=bytes(32),
        envelopes=1,
        skipped=0,
        total_bytes=600,
        commitment=None,
    )
    happened(acme, [Fact(accepted)], ago=timedelta(hours=1))
    assert sees(browser, acme, f"?message={message}") == ["message.accepted"]
    admin = cast.signed_in(cast.member(acme, "Ann", Role.ADMIN))
    page = admin.get(at(acme) + f"?message={message}")
    assert 'name="message"' not in page.content.decode()
    assert "message.accepted" not in [line.row.type for line, _ in page.context["lines"]]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?period=own", "Give the time from which, or up to which."),
        ("?from_at=2026-05-02T10:00&to_at=2026-05-02T10:00", "The period ends before it begins."),
        ("?who=Nobody+of+that+name", "Nothing here has this name, number or id."),
        ("?address=nowhere", "IP"),
        ("?action=nothing.happened", "nothing.happened"),
        ("?about=nonsense", "UUID"),
    ],
)
def test_what_is_not_possible_is_said_and_stays(
    log: Organisation, browser: Client, query: str, said: str
) -> None:
    page = browser.get(at(log) + query)
    assert "There is a problem" in text(page)
    assert said in text(page)
    name, value = query.removeprefix("?").split("&")[0].split("=")
    if name not in {"action", "period"}:
        assert f'value="{value.replace("+", " ")}' in page.content.decode()
    assert cast.events(log, "audit.searched") == []


# Names


def test_a_name_that_is_typed_becomes_the_person_in_the_address(
    log: Organisation, browser: Client, sue: Membership
) -> None:
    answer = browser.get(at(log) + "?period=&action=&who=Su&whom=&where=&actor=")
    assert goes_to(answer) == {"actor": str(sue.id)}
    assert cast.events(log, "audit.searched") == []


def test_an_id_is_taken_whoever_it_was(log: Organisation, browser: Client) -> None:
    gone = uuid4()
    assert goes_to(browser.get(at(log) + f"?whom={gone}")) == {"target": str(gone)}


def test_where_a_name_fits_several_one_is_chosen(
    log: Organisation, browser: Client, sue: Membership
) -> None:
    other = cast.member(log, "Sutton")
    page = browser.get(at(log) + "?who=Su&period=7")
    assert "Who: several fit what you typed" in text(page)
    addresses = [address for _, found in page.context["several"] for _, address in found]
    assert sorted(addresses) == sorted(f"?period=7&actor={one.id}" for one in (sue, other))
    assert "Nothing matches" not in text(page)
    assert cast.events(log, "audit.searched") == []


def test_a_room_is_not_a_person(log: Organisation, browser: Client) -> None:
    page = browser.get(at(log) + "?where=Sue")
    assert "Nothing here has this name, number or id." in text(page)


def test_nobody_of_another_organisation_is_found_by_name(
    log: Organisation, globex: Organisation, charlie: Membership, sue: Membership
) -> None:
    page = cast.signed_in(charlie).get(at(globex) + "?who=Sue")
    assert "Nothing here has this name, number or id." in text(page)
    theirs = chips_of(cast.signed_in(charlie), globex, f"?actor={sue.id}")
    assert theirs == {"Who": str(sue.id)}


def test_a_name_in_a_line_leads_to_its_own_events(
    log: Organisation, browser: Client, alice: Membership, sue: Membership
) -> None:
    page = browser.get(at(log) + "?action=member.suspended")
    ((_, people),) = page.context["lines"]
    assert people["actor"].only == f"?action=member.suspended&actor={alice.id}"
    assert people["target"].only == f"?action=member.suspended&target={sue.id}"
    page = browser.get(at(log) + people["target"].only)
    ((_, people),) = page.context["lines"]
    assert people["target"].only == ""
    assert people["actor"].only.endswith(f"&actor={alice.id}&target={sue.id}")


# Chips


def test_each_filter_is_a_chip_that_takes_it_away(
    log: Organisation, browser: Client, alice: Membership, sue: Membership
) -> None:
    query = f"?period=7&action=member.suspended&actor={alice.id}&about={sue.id}&outcome=success"
    chips = browser.get(at(log) + query).context["chips"]
    assert [(chip.label, chip.value) for chip in chips] == [
        ("When", "Last 7 days"),
        ("What happened", "Member suspended"),
        ("Who", "Alice"),
        ("Concerns", "Sue"),
        ("Outcome", "Done"),
    ]
    assert [chip.without for chip in chips] == [
        query.replace(part, "").replace("?&", "?")
        for part in (
            "period=7",
            "&action=member.suspended",
            f"&actor={alice.id}",
            f"&about={sue.id}",
            "&outcome=success",
        )
    ]


def test_times_of_ones_own_are_chips(log: Organisation, browser: Client) -> None:
    chips = chips_of(browser, log, "?from_at=2026-05-02T10:00&to_at=2026-05-03T00:00")
    assert chips == {"From": "2 May 2026, 10:00 UTC", "To": "3 May 2026, 00:00 UTC"}


def test_a_period_by_name_goes_before_times_that_were_left_in_the_form(
    log: Organisation, browser: Client
) -> None:
    chips = chips_of(browser, log, "?period=7&from_at=2026-05-02T10:00")
    assert chips == {"When": "Last 7 days"}


def test_an_id_that_names_nothing_is_its_own_name(log: Organisation, browser: Client) -> None:
    gone = uuid4()
    assert chips_of(browser, log, f"?about={gone}") == {"Concerns": str(gone)}


def test_the_filters_go_on_with_the_pages(acme: Organisation, browser: Client) -> None:
    for number in range(52):
        cast.member(acme, f"P{number}")
    publish(acme)
    page = browser.get(at(acme) + "?action=member.admitted")
    following = page.context["page"].next
    assert following
    found = browser.get(at(acme), {"action": "member.admitted", "cursor": following})
    rows = [line.row for line, _ in found.context["lines"]]
    assert {row.type for row in rows} == {"member.admitted"}
    assert len(rows) == 3
