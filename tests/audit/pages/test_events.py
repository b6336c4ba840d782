"""The audit log's pages: what stands there for whom, and that each look is an event."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from audit.events.reading import AuditSearched
from audit.models import IndexedEvent
from audit.services.recording import record
from audit.services.retention.periods import change_periods
from audit.services.retention.sweeps import sweep
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.audit.pages.looking import at, sees, suspended, text
from tests.audit.published import publish
from tests.cast import inside


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


# The list


def test_it_lists_what_happened_newest_first(
    acme: Organisation, browser: Client, alice: Membership
) -> None:
    suspended(acme)
    publish(acme)
    page = text(browser.get(at(acme)))

    assert "SemaFore server suspended Sue" in page
    with inside(acme):
        newest = IndexedEvent.objects.order_by("-seq").values_list("type", flat=True)
        assert sees(browser, acme) == list(newest)


def test_another_organisation_sees_none_of_it(
    acme: Organisation, globex: Organisation, charlie: Membership
) -> None:
    event_id = suspended(acme)
    publish(acme)
    publish(globex)
    browser = cast.signed_in(charlie)

    assert "Sue" not in text(browser.get(at(globex)))
    assert browser.get(at(acme)).status_code == 404
    assert browser.get(at(globex, "events", event_id)).status_code == 404
    assert browser.get(at(globex, "events", event_id, "proof")).status_code == 404


def test_each_look_is_an_event_with_what_was_seen(
    acme: Organisation, browser: Client, alice: Membership
) -> None:
    publish(acme)
    seen = browser.get(at(acme) + f"?about={alice.id}").context["lines"]
    (event,) = cast.events(acme, "audit.searched")

    assert event["data"]["filters"] == {"about": str(alice.id)}
    assert event["data"]["newest"] == seen[0][0].row.seq
    assert event["data"]["oldest"] == seen[-1][0].row.seq
    publish(acme)
    assert sees(browser, acme)[0] == "audit.searched"


def test_it_is_filtered_by_the_address(
    acme: Organisation, browser: Client, bob: Membership, bob_phone: cast.Phone
) -> None:
    with inside(acme):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)
    suspended(acme)
    publish(acme)

    assert sees(browser, acme, "?action=member.suspended") == ["member.suspended"]
    of_phone = sees(browser, acme, f"?target={bob_phone.id}")
    assert "device.revoked" in of_phone
    assert "member.suspended" not in of_phone
    of_bob = sees(browser, acme, f"?about={bob.id}")
    assert {"device.revoked", "device.enrolled", "member.admitted"} <= set(of_bob)
    assert "member.suspended" not in of_bob
    assert "concern Bob" in text(browser.get(at(acme) + f"?about={bob.id}"))
    assert sees(browser, acme, f"?actor={bob.id}&type=member.suspended") == []
    assert sees(browser, acme, f"?room={uuid4()}") == []


def test_it_says_why_nothing_is_there(acme: Organisation, browser: Client) -> None:
    assert "Nothing yet" in text(browser.get(at(acme)))
    publish(acme)
    nothing = text(browser.get(at(acme) + f"?about={uuid4()}"))
    assert "Nothing matches" in nothing
    assert "Nothing was deleted by retention either" in nothing
    assert browser.get(at(acme) + "?about=nonsense").status_code == 200


ADMINS_MISS = {"key_bundle.claimed", "audit.searched", "audit.viewed"}


def test_admins_see_neither_traffic_nor_who_read(
    acme: Organisation, alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    alice_phone.api.claim(bob_phone.id)
    with inside(acme):
        record(AuditSearched(filters={}, newest=None, oldest=None))
    publish(acme)
    owner, admin = (
        set(sees(cast.signed_in(person), acme))
        for person in (alice_phone.reload().membership, cast.member(acme, "Ann", Role.ADMIN))
    )

    assert {"key_bundle.claimed", "audit.searched"} <= owner
    assert not admin & ADMINS_MISS
    assert "device.enrolled" in admin


def test_it_pages_by_place_in_as_many_statements_on_each_page(
    acme: Organisation, browser: Client, django_assert_max_num_queries: Any
) -> None:
    with inside(acme):
        for number in range(120):
            record(AuditSearched(filters={}, newest=number, oldest=number))
    publish(acme)
    browser.get(at(acme))
    places: list[int] = []
    cursor = ""
    for _ in range(4):
        with django_assert_max_num_queries(14):
            answer = browser.get(at(acme), {"cursor": cursor} if cursor else {})
        places += [line.row.seq for line, _ in answer.context["lines"]]
        cursor = answer.context["page"].next
        if not cursor:
            break
    assert places == list(range(len(places) - 1, -1, -1))
    assert len(places) > 120


# One event


def test_an_event_says_what_happened_and_where_it_stands(
    acme: Organisation, browser: Client
) -> None:
    event_id = suspended(acme)
    checkpoint = publish(acme)
    page = text(browser.get(at(acme, "events", event_id)))

    for told in (
        "SemaFore server suspended Sue",
        "member.suspended",
        "Left the keys in a taxi.",
        f"of {checkpoint.size} entries",
        checkpoint.origin,
    ):
        assert told in page


def test_it_shows_before_and_after(acme: Organisation, alice: Membership, browser: Client) -> None:
    browser.post(
        f"/console/{acme.slug}/members/{cast.member(acme, 'Mia').id}/role", {"role": "admin"}
    )
    (changed,) = cast.events(acme, "member.role_changed")
    publish(acme)
    answer = browser.get(at(acme, "events", changed["id"]))

    (datum,) = answer.context["changes"]
    assert (datum.before.shown, datum.after.shown) == ("member", "admin")


def test_before_its_checkpoint_it_says_to_come_back(acme: Organisation, browser: Client) -> None:
    event_id = suspended(acme)
    page = text(browser.get(at(acme, "events", event_id)))
    assert "waits for its place under a signed checkpoint" in page
    assert "Download the proof" not in page
    back = browser.get(at(acme, "events", event_id, "proof"))
    assert back["Location"] == at(acme, "events", event_id)


def test_a_look_at_an_event_is_an_event(acme: Organisation, browser: Client) -> None:
    event_id = suspended(acme)
    publish(acme)
    browser.get(at(acme, "events", event_id))
    browser.get(at(acme, "events", event_id, "proof"))
    looks = cast.events(acme, "audit.viewed")
    assert [look["data"]["event_id"] for look in looks] == [str(event_id)] * 2
    page = browser.get(at(acme, "events", looks[0]["id"]))
    assert at(acme, "events", event_id) in page.content.decode()


def test_what_one_may_not_read_is_not_found(acme: Organisation, browser: Client) -> None:
    with inside(acme):
        look = record(AuditSearched(filters={}, newest=None, oldest=None)).event_id
    publish(acme)
    admin = cast.signed_in(cast.member(acme, "Ann", Role.ADMIN))
    for words in ((), ("proof",)):
        assert browser.get(at(acme, "events", look, *words)).status_code == 200
        hidden = admin.get(at(acme, "events", look, *words))
        missing = admin.get(at(acme, "events", uuid4(), *words))
        assert (hidden.status_code, missing.status_code) == (404, 404)
        plain = [
            answer.content.decode().replace(answer["X-Request-ID"], "")
            for answer in (hidden, missing)
        ]
        assert plain[0] == plain[1]
    # What was seen is a record of a look: once an hour.
    assert len(cast.events(acme, "audit.viewed")) == 1


def test_the_proof_is_a_file(acme: Organisation, browser: Client) -> None:
    event_id = suspended(acme)
    publish(acme)
    answer = browser.get(at(acme, "events", event_id, "proof"))

    assert answer["Content-Type"].startswith("text/plain")
    assert f"event-{event_id}.tlog-proof" in answer["Content-Disposition"]
    assert answer.content.startswith(b"c2sp.org/tlog-proof@v1\n")


# What retention left


@contextmanager
def years_later(of: Organisation) -> Iterator[None]:
    """What has lived its time is swept, and the record of it has its place."""
    publish(of)
    with clock.moved_by(timedelta(days=2600)):
        with inside(of):
            sweep()
        publish(of)
        yield


def test_an_event_without_its_people_still_says_what_happened(
    acme: Organisation, alice: Membership
) -> None:
    with inside(acme):
        change_periods(metadata_days=365, audit_days=2555, existence_days=2600, reason="Law.")
    (changed,) = cast.events(acme, "retention.changed")
    with years_later(acme):
        browser = cast.signed_in(alice)
        page = browser.get(at(acme, "events", changed["id"]))
        said = text(page)
        assert "The people in this event were deleted by retention on" in said
        assert str(page.context["deletions"][0][1].event_id) in page.content.decode()
        assert "Somebody set the retention periods, version 2." in said
        assert "SemaFore server" not in said
        assert [one.same for one in page.context["changes"]] == [True, False, True]
        assert [(one.before.shown, one.after.shown) for one in page.context["changes"]][1] == (
            "2555",
            "2600",
        )
        assert "Deleted by retention" in text(browser.get(at(acme) + "?action=retention.changed"))
        assert browser.get(at(acme, "events", changed["id"], "proof")).status_code == 200


def test_of_an_event_that_is_gone_the_place_remains(acme: Organisation, alice: Membership) -> None:
    event_id = suspended(acme)
    with years_later(acme):
        browser = cast.signed_in(alice)
        page = text(browser.get(at(acme, "events", event_id)))
        assert "This event was deleted by retention on" in page
        assert "Its place in the log remains" in page
        assert "Sue" not in page
        nothing = text(browser.get(at(acme) + "?action=member.suspended"))
        assert "Retention last deleted on" in nothing


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.MEMBER])
def test_others_have_no_audit_log(acme: Organisation, role: Role) -> None:
    event_id = suspended(acme)
    browser = cast.signed_in(cast.member(acme, "Hal", role))
    for address in (at(acme), at(acme, "events", event_id), at(acme, "events", event_id, "proof")):
        assert browser.get(address).status_code in {403, 404}
