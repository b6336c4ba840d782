"""What stands around an event on its page: neighbours, the same request, actor and target."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.test import Client

from audit.events.denials import AccessDenied
from audit.events.reading import AuditSearched
from audit.events.retention import HoldLiftWithdrawn
from audit.selectors.related import MOST, SHOWN
from audit.services.recording import Fact, Ref
from keys.models import Comparison
from keys.services.enrolment import approve_device
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import activate_membership
from semafore.kernel import clock
from tests import cast
from tests.audit.aged import happened
from tests.audit.pages.looking import at, suspends, text
from tests.audit.published import publish
from tests.cast import inside

AUDITED = Fact(AuditSearched(filters={}, newest=None, oldest=None))


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


def around(browser: Client, of: Organisation, event_id: UUID) -> dict[str, list[UUID]]:
    """The related events' ids by the words of their table."""
    page: Any = browser.get(at(of, "events", event_id))
    assert page.status_code == 200
    return {
        title.split(",")[0]: [line.row.event_id for line in lines]
        for title, lines in page.context["related"]
    }


def test_the_same_request_stands_first(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    one, two, other = (
        suspends(alice, cast.member(acme, name), request_id=request)
        for name, request in (("Sue", "first"), ("Tom", "first"), ("Uma", "second"))
    )
    elsewhere = suspends(bob, cast.member(acme, "Vic"), request_id="first")
    publish(acme)
    found = around(browser, acme, one)
    assert found["In the same request"] == [two]
    assert found["By the same actor"] == [other]
    assert not [title for title, ids in found.items() if elsewhere in ids]


def test_the_same_actor_within_five_minutes(
    acme: Organisation, alice: Membership, browser: Client
) -> None:
    offsets = (-6, -5, -1, 0, 4, 6)
    ids = []
    for minutes in offsets:
        with clock.moved_by(timedelta(minutes=minutes - 30)):
            ids.append(suspends(alice, cast.member(acme, f"P{minutes}")))
    publish(acme)
    found = around(browser, acme, ids[3])
    assert found["By the same actor"] == [ids[2], ids[4]]


def test_no_more_than_the_nearest(acme: Organisation, alice: Membership, browser: Client) -> None:
    ids = happened(acme, [AUDITED] * (2 * MOST), ago=timedelta(hours=1), by=alice)
    middle = MOST
    found = around(browser, acme, ids[middle])
    assert found["By the same actor"] == [
        *ids[middle - SHOWN : middle],
        *ids[middle + 1 : middle + 1 + SHOWN],
    ]


def test_the_same_target_whoever_acted(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    sue = cast.member(acme, "Sue")
    first = suspends(alice, sue)
    with inside(acme):
        activate_membership(membership_id=sue.id, reason="Found.")
    second = suspends(bob, sue)
    publish(acme)
    found = around(browser, acme, first)
    assert second in found["To the same target"]
    assert len(found["To the same target"]) == 3
    page = browser.get(at(acme, "events", first))
    assert dict(page.context["further"])["What concerns Sue"] == f"{at(acme)}?about={sue.id}"


def test_it_shows_what_the_reader_may_read_alone(acme: Organisation, alice: Membership) -> None:
    person = Ref("member", cast.member(acme, "Sue").id, "Sue")
    facts = [
        AUDITED,
        Fact(AccessDenied(act="look", reason="not_permitted"), target=person),
        Fact(HoldLiftWithdrawn(hold_id=uuid4(), request_id=uuid4()), target=person),
    ]
    ann = cast.member(acme, "Ann", Role.ADMIN)
    event_id = suspends(alice, cast.member(acme, "Bobby"))
    publish(acme)
    hidden = happened(acme, facts, ago=timedelta(0), by=alice)
    for reader, shown, newer in ((alice, hidden, hidden[0]), (ann, [], None)):
        page = cast.signed_in(reader).get(at(acme, "events", event_id))
        assert [one for one in hidden if str(one) in page.content.decode()] == shown
        assert page.context["next"].newer == newer


def test_what_examines_somebody_is_not_around_for_them(
    acme: Organisation, alice: Membership
) -> None:
    oli = cast.member(acme, "Oli", Role.OWNER)
    about = Ref("member", oli.id, "Oli")
    fact = Fact(HoldLiftWithdrawn(hold_id=uuid4(), request_id=uuid4()), subject=about)
    publish(acme)
    before, hold, after = happened(acme, [AUDITED, fact, AUDITED], ago=timedelta(0), by=alice)
    for reader, older in ((oli, before), (alice, hold)):
        page = cast.signed_in(reader).get(at(acme, "events", after))
        assert page.context["next"].older == older
        assert (str(hold) in page.content.decode()) is (reader is alice)


def test_newer_and_older_stay_within_the_search(
    acme: Organisation, alice: Membership, browser: Client
) -> None:
    ids = [suspends(alice, cast.member(acme, name)) for name in ("Sue", "Tom", "Uma")]
    publish(acme)
    search = "?" + urlencode({"action": "member.suspended"})
    page = browser.get(at(acme, "events", ids[1]) + search)
    assert (page.context["next"].older, page.context["next"].newer) == (ids[0], ids[2])
    assert f"{at(acme, 'events', ids[2])}{search}" in page.content.decode()
    assert f'href="{at(acme)}{search}"' in page.content.decode()
    last = browser.get(at(acme, "events", ids[2]) + search)
    assert last.context["next"].newer is None
    assert "This is the newest of the search." in text(last)
    alone = browser.get(at(acme, "events", ids[1]) + "?action=nonsense")
    assert alone.context["next"].older not in ids


def test_values_that_the_code_names_are_words_beside_what_is_proved(
    acme: Organisation, alice: Membership, browser: Client
) -> None:
    phone = cast.phone(alice, approved=False)
    with inside(acme):
        approve_device(device_id=phone.id, compared=Comparison.IN_PERSON)
    (approved,) = cast.events(acme, "device.approved")
    publish(acme)
    page = browser.get(at(acme, "events", approved["id"])).content.decode()
    assert "In person" in page
    assert '<code data-proved="what.data.compared">in_person</code>' in page
    assert '<code data-proved="what.outcome">success</code>' in page
    assert "&quot;outcome&quot;: &quot;success&quot;" in page


def test_it_asks_the_same_of_a_full_log(
    acme: Organisation, alice: Membership, browser: Client, django_assert_max_num_queries: Any
) -> None:
    ids = happened(acme, [AUDITED] * 120, ago=timedelta(hours=1), by=alice)
    browser.get(at(acme, "events", ids[60]))
    with django_assert_max_num_queries(18):
        browser.get(at(acme, "events", ids[60]))
