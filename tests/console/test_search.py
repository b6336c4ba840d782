"""One box: what it finds, and what it never does."""

from typing import Any
from uuid import uuid4

import pytest

from orgs.models import Membership, Organisation, Role
from tests import cast
from tests.cast import Phone


def search(person: Membership, slug: str, words: str) -> Any:
    answer = cast.signed_in(person).get(f"/console/{slug}/search", {"q": words})
    assert answer.status_code == 200
    return answer


def names(answer: Any) -> list[str]:
    found = answer.context["found"]
    return [one.name for one in (*found.people, *found.devices, *found.invitations)]


@pytest.fixture
def bobs(acme: Organisation, globex: Organisation, bob: Membership) -> Phone:
    cast.phone(cast.member(globex, "Bob"), name="Bob's other phone")
    return cast.phone(bob, name="Ward tablet")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("bo", ["Bob"]),
        ("BOB", ["Bob"]),
        ("tablet", ["Ward tablet"]),
        ("ob", []),
        ("b", []),
        ("%%", []),
        ("__", []),
        ("' OR 1=1", []),
        ("x" * 500, []),
    ],
)
def test_it_finds_the_beginning_of_a_word(
    alice: Membership, acme: Organisation, bobs: Phone, words: str, found: list[str]
) -> None:
    assert names(search(alice, acme.slug, words)) == found


def test_it_finds_a_number_however_it_is_spelt(
    alice: Membership, acme: Organisation, bob: Membership, bobs: Phone
) -> None:
    national = f"{bob.phone[3:7]} {bob.phone[7:]}"
    for words in (bob.phone, bob.phone[1:], national):
        assert names(search(alice, acme.slug, words)) == ["Bob"]


def test_it_finds_by_id_and_nobody_elses(
    alice: Membership, acme: Organisation, bob: Membership, bobs: Phone, charlie: Membership
) -> None:
    assert names(search(alice, acme.slug, str(bob.id))) == ["Bob"]
    assert names(search(alice, acme.slug, str(bobs.id).upper())) == ["Ward tablet"]
    for foreign in (charlie.id, uuid4()):
        answer = search(alice, acme.slug, str(foreign))
        assert "Nothing matches" in answer.content.decode()


def test_it_says_that_there_is_more(alice: Membership, acme: Organisation) -> None:
    for _ in range(11):
        cast.member(acme, "Zoe")
    answer = search(alice, acme.slug, "zoe")
    assert len(answer.context["found"].people) == 10
    assert "Say more to see others" in answer.content.decode()


def test_what_was_typed_is_shown_as_text(alice: Membership, acme: Organisation) -> None:
    page = search(alice, acme.slug, '"><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in page


def test_an_auditor_may_search(acme: Organisation, bobs: Phone) -> None:
    assert names(search(cast.member(acme, "Odo", Role.AUDITOR), acme.slug, "Bob")) == ["Bob"]
