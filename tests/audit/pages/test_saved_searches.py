"""Saved searches: whose they are, who sees them, and that each change is an event."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from audit.models import SavedSearch
from audit.services.examined import SOMEBODY_ELSE
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import end_membership
from tests import cast
from tests.audit.pages.looking import at, sees, text
from tests.audit.published import publish
from tests.cast import inside

FILTERS = "?period=7&action=member.suspended"


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


@pytest.fixture
def oli(acme: Organisation) -> Membership:
    return cast.member(acme, "Oli", Role.OWNER)


@pytest.fixture
def ann(acme: Organisation) -> Membership:
    return cast.member(acme, "Ann", Role.ADMIN)


@pytest.fixture
def ada(acme: Organisation) -> Membership:
    return cast.member(acme, "Ada", Role.AUDITOR)


def save(
    browser: Client, of: Organisation, query: str, *, name: str = "Mine", shared: bool = True
) -> UUID:
    typed = {"name": name, **({"shared": "on"} if shared else {})}
    answer = browser.post(at(of, "searches", "new") + query, typed)
    assert answer.status_code == 302, text(answer)
    with inside(of):
        return SavedSearch.objects.order_by("-saved_at")[0].id


def listed(person: Membership, of: Organisation) -> list[str]:
    page: Any = cast.signed_in(person).get(at(of, "searches"))
    assert page.status_code == 200
    return [one["search"].name for one in page.context["searches"]]


def test_it_opens_with_the_same_filters(acme: Organisation, browser: Client) -> None:
    save(browser, acme, FILTERS, name="This week")
    page = browser.get(at(acme, "searches"))
    (one,) = page.context["searches"]
    assert one["address"] == at(acme) + FILTERS
    assert one["words"] == "When: Last 7 days; What happened: Member suspended"
    assert browser.get(one["address"]).status_code == 200


def test_one_without_filters_is_none(acme: Organisation, browser: Client) -> None:
    for answer in (
        browser.get(at(acme, "searches", "new")),
        browser.post(at(acme, "searches", "new"), {"name": "All"}),
        browser.post(at(acme, "searches", "new") + "?action=nonsense", {"name": "All"}),
    ):
        assert answer["Location"] == at(acme)
    assert listed_rows(acme) == 0


def listed_rows(of: Organisation) -> int:
    with inside(of):
        return SavedSearch.objects.count()


def test_a_name_is_needed_and_what_was_typed_stays(acme: Organisation, browser: Client) -> None:
    page = browser.post(at(acme, "searches", "new") + FILTERS, {"name": "", "shared": "on"})
    assert page.status_code == 422
    assert "There is a problem" in text(page)
    assert "checked" in page.content.decode()
    assert "Last 7 days" in text(page)
    assert listed_rows(acme) == 0


def test_ones_own_are_seen_by_nobody_else(
    acme: Organisation, browser: Client, alice: Membership, oli: Membership, ann: Membership
) -> None:
    search = save(browser, acme, FILTERS, shared=False)
    assert [listed(one, acme) for one in (alice, oli, ann)] == [["Mine"], [], []]
    for act in ("edit", "delete"):
        hidden = cast.signed_in(oli).get(at(acme, "searches", search, act))
        assert hidden.status_code == 404


def test_a_shared_one_is_seen_by_those_who_may_read_the_same(
    acme: Organisation, browser: Client, oli: Membership, ann: Membership, ada: Membership
) -> None:
    save(browser, acme, FILTERS, name="Suspended")
    save(browser, acme, "?action=message.accepted", name="Traffic")
    everything = ["Suspended", "Traffic"]
    assert [listed(one, acme) for one in (oli, ada, ann)] == [everything, everything, ["Suspended"]]


@pytest.mark.parametrize("place", ["actor", "target", "about"])
def test_one_about_a_person_is_not_there_for_them_nor_for_admins(
    acme: Organisation, browser: Client, oli: Membership, ada: Membership, place: str
) -> None:
    ann = cast.member(acme, "Ann", Role.ADMIN)
    search = save(browser, acme, f"?{place}={oli.id}", name="Oli")
    assert [listed(one, acme) for one in (oli, ann, ada)] == [[], [], ["Oli"]]
    for act in ("edit", "delete"):
        assert cast.signed_in(oli).get(at(acme, "searches", search, act)).status_code == 404
    publish(acme)
    assert sees(browser, acme, "?action=audit.search_saved") == ["audit.search_saved"]
    assert sees(cast.signed_in(oli), acme, "?action=audit.search_saved") == []


def test_one_about_a_device_is_about_its_person(
    acme: Organisation, browser: Client, oli: Membership
) -> None:
    save(browser, acme, f"?actor={cast.phone(oli).id}", name="His phone")
    assert listed(oli, acme) == []


def test_one_about_two_people_tells_neither_of_the_other(
    acme: Organisation, browser: Client, oli: Membership, ada: Membership
) -> None:
    save(browser, acme, f"?actor={ada.id}&target={oli.id}&period=7", name="Ada and Oli")
    assert [listed(one, acme) for one in (oli, ada)] == [[], []]
    both = cast.events(acme, "audit.search_saved")
    named = [("actor", ada, oli), ("target", oli, ada)]
    for saved, (place, subject, _) in zip(both, named, strict=True):
        others = {"actor": SOMEBODY_ELSE, "target": SOMEBODY_ELSE, place: str(subject.id)}
        assert saved["data"]["filters"] == {"period": "7", **others}
    publish(acme)
    for saved, (_, subject, other) in zip(both, named, strict=True):
        assert cast.signed_in(subject).get(at(acme, "events", saved["id"])).status_code == 404
        page = cast.signed_in(other).get(at(acme, "events", saved["id"]))
        assert page.status_code == 200
        assert "Ada and Oli" not in page.content.decode()


def test_whoever_searches_about_themselves_keeps_it(
    acme: Organisation, browser: Client, alice: Membership
) -> None:
    save(browser, acme, f"?actor={alice.id}", name="Myself")
    assert listed(alice, acme) == ["Myself"]


def test_it_is_renamed_by_whoever_saved_it_alone(
    acme: Organisation, browser: Client, oli: Membership
) -> None:
    search = save(browser, acme, FILTERS)
    page = at(acme, "searches", search, "edit")
    assert cast.signed_in(oli).post(page, {"name": "His"}).status_code == 403
    assert browser.post(page, {"name": ""}).status_code == 422
    assert browser.post(page, {"name": "Hers"}).status_code == 302
    assert (listed(oli, acme), len(cast.events(acme, "audit.search_changed"))) == ([], 1)
    (changed,) = cast.events(acme, "audit.search_changed")
    assert changed["data"] == {"before": {"shared": True}, "after": {"shared": False}}


def test_it_is_deleted_with_a_reason_by_its_owner_or_an_owner(
    acme: Organisation, browser: Client, oli: Membership, ada: Membership
) -> None:
    search = save(browser, acme, FILTERS)
    page = at(acme, "searches", search, "delete")
    assert cast.signed_in(ada).post(page, {"reason": "x"}).status_code == 403
    assert cast.signed_in(oli).post(page, {"reason": ""}).status_code == 422
    assert cast.signed_in(oli).post(page, {"reason": "Nobody needs it."}).status_code == 302
    assert listed_rows(acme) == 0
    (deleted,) = cast.events(acme, "audit.search_deleted")
    assert deleted["data"] == {"reason": "Nobody needs it."}


def test_what_a_leaver_kept_to_themselves_goes(acme: Organisation, ada: Membership) -> None:
    browser = cast.signed_in(ada)
    save(browser, acme, FILTERS, name="Own", shared=False)
    save(browser, acme, FILTERS, name="Shared")
    with inside(acme):
        end_membership(membership_id=ada.id, reason="New job.")
        assert [one.name for one in SavedSearch.objects.all()] == ["Shared"]
    assert len(cast.events(acme, "audit.search_deleted")) == 1


def test_another_organisation_sees_none(
    acme: Organisation, globex: Organisation, browser: Client, charlie: Membership
) -> None:
    search = save(browser, acme, FILTERS)
    assert listed(charlie, globex) == []
    for act in ("edit", "delete"):
        for of in (acme, globex):
            answer = cast.signed_in(charlie).get(at(of, "searches", search, act))
            assert answer.status_code == 404
