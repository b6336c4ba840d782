"""Suspending and ending from a list."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.models import Membership, MembershipChange, MembershipStatus, Organisation, Role
from orgs.services.memberships import end_membership
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast

REASON = {"reason": "Contract over"}


def address(of: Organisation, name: str) -> str:
    return reverse(name, args=[of.slug])


def upload(browser: Client, of: Organisation, content: bytes | str, act: str = "end") -> Any:
    text = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("people.csv", text, content_type="text/csv")
    return browser.post(address(of, "members_bulk"), {"act": act, "file": file})


def rows(browser: Client, of: Organisation, name: str = "members_bulk_confirm") -> list[Any]:
    found: list[Any] = browser.get(address(of, name)).context["rows"]
    return found


def status(person: Membership) -> str:
    with organisation_scope(person.organisation_id):
        return Membership.objects.get(id=person.id).status


def test_look_then_confirm_then_see(
    acme: Organisation, alice: Membership, bob: Membership, charlie: Membership
) -> None:
    dan, olga = cast.member(acme, "Dan"), cast.member(acme, "Olga", Role.OWNER)
    with acting_as(SYSTEM), organisation_scope(acme.id):
        end_membership(membership_id=dan.id, reason="left")
    ada = cast.member(acme, "Ada", Role.ADMIN)
    browser = cast.signed_in(ada)
    people = [bob, dan, ada, olga, charlie, bob]
    answer = upload(browser, acme, "phone\n" + "".join(f"{one.phone}\n" for one in people))

    assert answer["Location"] == address(acme, "members_bulk_confirm")
    shown = rows(browser, acme)
    assert [(row.number, row.name, row.refusal) for row in shown] == [
        (2, "Bob", ""),
        (3, "Dan", "Is ended already."),
        (4, "Ada", "You can't suspend or end your own membership."),
        (5, "Olga", "Only an owner can do this to an owner."),
        (6, "", "Not found."),
        (7, "Bob", "The same person as in line 2."),
    ]
    assert "Charlie" not in browser.get(address(acme, "members_bulk_confirm")).text
    assert status(bob) == "active"

    done = browser.post(address(acme, "members_bulk_confirm"), REASON)
    assert done["Location"] == address(acme, "members_bulk_result")
    assert status(bob) == "ended"
    assert (status(olga), status(charlie), status(ada)) == ("active", "active", "active")
    result = rows(browser, acme, "members_bulk_result")
    assert [row.refusal for row in result] == [row.refusal for row in shown]
    with organisation_scope(acme.id):
        change = MembershipChange.objects.get(membership=bob, status="ended")
    assert (change.by_id, change.reason) == (ada.id, "Contract over")


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("column", ["membership_id", "phone", "email"])
def test_lists_as_programs_write_them(
    acme: Organisation, alice: Membership, bob: Membership, column: str, separator: str
) -> None:
    value = {"membership_id": bob.id, "phone": bob.phone, "email": bob.email.upper()}[column]
    text = f'\ufeffnote{separator}{column.upper()}\r\n"Bob, {{}}"{separator}"{value}"\r\n\r\n'
    browser = cast.signed_in(alice)
    upload(browser, acme, text, act="suspend")

    assert [(row.number, row.name, row.refusal) for row in rows(browser, acme)] == [(2, "Bob", "")]
    browser.post(address(acme, "members_bulk_confirm"), REASON)
    assert status(bob) == "suspended"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("phone\n" + "+447700900000\n" * 1001, "more than 1000 lines"),
        ("phone\n", "names nobody"),
        ("name\nBob\n", "No column is called"),
        ("phone\n\xff".encode("latin-1"), "not UTF-8"),
        ('phone\n"unclosed', "can&#x27;t be read"),
        (b"phone\n" + b"x" * (1024 * 1024), "larger than 1 MiB"),
        (b"", "empty"),
    ],
    ids=["1001 lines", "nobody", "no column", "not UTF-8", "not CSV", "too large", "empty"],
)
def test_a_list_that_cannot_be_read_is_refused(
    acme: Organisation, alice: Membership, content: bytes | str, said: str
) -> None:
    answer = upload(cast.signed_in(alice), acme, content)

    assert answer.status_code == 422
    assert said in answer.text


def test_whatever_stands_in_a_cell_is_only_not_found(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)
    for column in ("phone", "email", "membership_id"):
        upload(browser, acme, f'{column},x\n=cmd(),\n<script>,\n"",a\n+44,b\n')
        assert {row.refusal for row in rows(browser, acme)} == {"Not found."}
    assert "<script>" not in browser.get(address(acme, "members_bulk_confirm")).text


def test_sent_twice_it_is_done_once(acme: Organisation, alice: Membership, bob: Membership) -> None:
    browser = cast.signed_in(alice)
    upload(browser, acme, f"phone\n{bob.phone}\n")
    for _ in range(2):
        answer = browser.post(address(acme, "members_bulk_confirm"), REASON)
        assert answer["Location"] == address(acme, "members_bulk_result")
        assert [row.refusal for row in rows(browser, acme, "members_bulk_result")] == [""]

    assert len(cast.events(acme, "member.ended")) == 1


def test_sent_twice_at_once_it_is_done_once(committed: None) -> None:
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice", Role.OWNER), cast.member(acme, "Bob")
    browser = cast.signed_in(alice)
    upload(browser, acme, f"phone\n{bob.phone}\n")
    start = Barrier(2)

    def confirm(_: int) -> int:
        try:
            same = Client()
            same.cookies = browser.cookies
            start.wait(timeout=60)
            return same.post(address(acme, "members_bulk_confirm"), REASON).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(confirm, range(2))) == [302, 302]
    assert len(cast.events(acme, "member.ended")) == 1


def test_without_a_reason_nothing_happens(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    upload(browser, acme, f"phone\n{bob.phone}\n")
    answer = browser.post(address(acme, "members_bulk_confirm"), {"reason": " "})

    assert answer.status_code == 422
    assert "Bob" in answer.text
    assert status(bob) == "active"


def test_a_list_counts_in_its_own_organisation_alone(
    acme: Organisation, globex: Organisation, alice: Membership, bob: Membership
) -> None:
    with acting_as(SYSTEM), organisation_scope(globex.id):
        Membership.objects.create(
            organisation_id=globex.id,
            account=alice.account,
            name="Alice there",
            role=Role.OWNER,
            status=MembershipStatus.ACTIVE,
        )
    browser = cast.signed_in(alice)
    upload(browser, acme, f"phone\n{bob.phone}\n")

    for name in ("members_bulk_confirm", "members_bulk_result"):
        answer = browser.get(address(globex, name))
        assert answer["Location"] == address(globex, "members_bulk")
    browser.post(address(globex, "members_bulk_confirm"), REASON)
    assert status(bob) == "active"


def test_who_comes_back_is_meant_not_their_former_period(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    with acting_as(SYSTEM), organisation_scope(acme.id):
        end_membership(membership_id=bob.id, reason="left")
        again = Membership.objects.create(
            organisation_id=acme.id,
            account=bob.account,
            name="Bob again",
            phone=bob.phone,
            status=MembershipStatus.ACTIVE,
        )
    browser = cast.signed_in(alice)
    upload(browser, acme, f"phone\n{bob.phone}\n")
    assert [row.membership_id for row in rows(browser, acme)] == [again.id]

    cast_other = cast.member(acme, "Namesake")
    with organisation_scope(acme.id):
        Membership.objects.filter(id=cast_other.id).update(phone=bob.phone)
    upload(browser, acme, f"phone\n{bob.phone}\n")
    assert [row.refusal for row in rows(browser, acme)] == ["More than one person has this."]


def test_looking_costs_the_same_for_few_and_many(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)
    browser.get(address(acme, "members"))

    def statements(count: int) -> int:
        people = [cast.member(acme, f"P{number}") for number in range(count)]
        with CaptureQueriesContext(connection) as sent:
            upload(browser, acme, "phone\n" + "".join(f"{one.phone}\n" for one in people))
        return len(sent)

    assert statements(2) == statements(40)


@pytest.mark.parametrize(("role", "answer"), [("helpdesk", 403), ("auditor", 403), ("member", 404)])
def test_who_may_not_manage_may_not(
    acme: Organisation, alice: Membership, role: str, answer: int
) -> None:
    browser = cast.signed_in(cast.member(acme, "Somebody", Role(role)))
    for name in ("members_bulk", "members_bulk_confirm", "members_bulk_result"):
        assert browser.get(address(acme, name)).status_code == answer
    assert upload(browser, acme, "phone\n+447700900000\n").status_code == answer


def test_another_organisations_owner_sees_nothing(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    browser = cast.signed_in(charlie)
    for name in ("members_bulk", "members_bulk_confirm", "members_bulk_result"):
        assert browser.get(address(acme, name)).status_code == 404
