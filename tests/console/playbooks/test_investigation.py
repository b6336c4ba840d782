"""Investigation: a hold and a case, for owners and auditors, and never for whom it is about."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from django.urls import reverse

from audit.models import Hold
from audit.selectors.reading import Reader, reader_of
from console.errors import PlaybookDone
from console.playbooks.acts import investigate
from orgs.models import Membership, Organisation, Role
from orgs.selectors.seats import find_seat
from tests import cast
from tests.console.playbooks.acts import (
    carried_out,
    ids_of,
    number_of_events,
    page,
    record_of,
    run_of,
)
from tests.invitations.onboarding.acts import acting
from tests.messaging import talk

CASE = {"reason": "Complaint 12", "case_reference": "HR-12"}


def holds(of: Organisation) -> list[Hold]:
    with cast.inside(of):
        return list(Hold.objects.select_related("person"))


def test_a_hold_is_in_force_and_the_case_open(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    ann = cast.member(acme, "Ann", Role.AUDITOR)
    record = carried_out(ann, acme, "investigation", CASE, person=bob.id)

    (hold,) = holds(acme)
    assert (hold.person, hold.reason, hold.case_reference) == (bob, "Complaint 12", "HR-12")
    opened = run_of(acme, "investigation.opened")
    assert opened["events"] == ids_of(acme, "hold.placed")
    assert opened["hold_id"] == str(hold.id)
    text = record_of(alice, acme, record)
    for told in ("Complaint 12", "HR-12", "Bob", *opened["events"]):
        assert told in text


def test_a_room_is_investigated(acme: Organisation, alice: Membership, bob: Membership) -> None:
    room = talk.group(acme, bob, name="Ward 9")
    browser = cast.signed_in(alice)
    assert f"?room={room.id}" in browser.get(page("investigation", acme, q="Ward")).text
    record = carried_out(browser, acme, "investigation", CASE, room=room.id)
    assert "Ward 9" in record_of(alice, acme, record)
    assert holds(acme)[0].room_id == room.id


def test_the_same_case_is_opened_once(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser, address = cast.signed_in(alice), page("investigation", acme, person=bob.id)
    assert browser.post(address, CASE).status_code == 302
    before = number_of_events(acme)
    assert "in force already" in browser.post(address, CASE).text
    assert number_of_events(acme) == before
    assert browser.post(address, {**CASE, "case_reference": "HR-13"}).status_code == 302


def test_of_two_at_once_one_opens_it(committed: None) -> None:
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice", Role.OWNER), cast.member(acme, "Bob")

    def opens(_: int) -> str:
        try:
            with acting(alice):
                investigate(person=bob, room=None, from_at=None, until_at=None, **CASE)
        except PlaybookDone:
            return "done already"
        finally:
            connection.close()
        return "opened"

    with ThreadPoolExecutor(4) as threads:
        said = sorted(threads.map(opens, range(4)))
    assert said == [*["done already"] * 3, "opened"]
    assert len(holds(acme)) == len(cast.events(acme, "investigation.opened")) == 1


def test_an_admin_is_told_who_may(acme: Organisation, alice: Membership, bob: Membership) -> None:
    browser = cast.signed_in(cast.member(acme, "Ada", Role.ADMIN))
    address = page("investigation", acme, person=bob.id)
    assert "Owners and auditors may carry it out" in browser.get(address).text
    assert browser.post(address, CASE).status_code == 403
    assert not holds(acme)


def test_whom_it_is_about_finds_no_record(acme: Organisation, alice: Membership) -> None:
    """An owner, by this membership or a former one; nor does a second case tell of the first."""
    olga = cast.member(acme, "Olga", Role.OWNER)
    record = carried_out(alice, acme, "investigation", CASE, person=olga.id)
    record_of(alice, acme, record)
    browser = cast.signed_in(olga)
    address = reverse("playbook_record", args=[acme.slug, record])
    assert browser.get(address).status_code == 404
    listed = reverse("playbook_records", args=[acme.slug])
    assert str(record) not in browser.get(listed).text
    assert str(record) in cast.signed_in(alice).get(listed).text
    assert browser.post(page("investigation", acme, person=olga.id), CASE).status_code == 302


def test_a_reader_is_all_of_their_memberships(acme: Organisation, alice: Membership) -> None:
    before = cast.member(acme, "Sue")
    again = cast.again(before, Role.OWNER)
    seat = find_seat(again.account, acme.slug)
    assert seat is not None
    reader = reader_of(seat)
    assert reader.own == {before.id, again.id}
    assert Reader(frozenset()).own == frozenset()
