"""The list of members and the person page."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.models import Account, Membership, MembershipKind, MembershipStatus, Organisation, Role
from orgs.services.memberships import end_membership, suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast

PEOPLE = 10_000


def address(of: Organisation, name: str, *args: Any, **query: str) -> str:
    return reverse(name, args=[of.slug, *args], query=query or None)


def crowd(of: Organisation, count: int) -> None:
    """So many active members, written at once."""
    accounts = Account.objects.bulk_create(
        Account(phone=f"+4479{number:08}") for number in range(count)
    )
    with organisation_scope(of.id):
        Membership.objects.bulk_create(
            Membership(
                organisation_id=of.id,
                account=account,
                name=f"Person {number:05}",
                phone=account.phone or "",
                unit="Ward" if number % 2 else "Desk",
                status=MembershipStatus.ACTIVE,
            )
            for number, account in enumerate(accounts)
        )


def act(of: Organisation, service: Any, **arguments: Any) -> Any:
    with acting_as(SYSTEM), organisation_scope(of.id):
        return service(**arguments)


def names(answer: Any) -> list[str]:
    return [person.name for person in answer.context["page"].rows]


def test_the_list_shows_everybody_by_name_with_their_devices(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    answer = cast.signed_in(alice).get(address(acme, "members"))

    assert answer.status_code == 200
    assert names(answer) == ["Alice", "Bob"]
    assert [devices for _, devices in answer.context["rows"]] == [0, 1]


def test_filters_stand_in_the_address(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    olga = cast.member(acme, "Olga", Role.AUDITOR, MembershipStatus.SUSPENDED)
    with organisation_scope(acme.id):
        Membership.objects.filter(id=bob.id).update(unit="Ward")

    def found(**query: str) -> list[str]:
        return names(browser.get(address(acme, "members", **query)))

    assert found(text="OL") == ["Olga"]
    assert found(text="lga") == []
    assert found(text=olga.phone[:-1]) == ["Olga"] or olga.phone[:-1] in bob.phone
    assert found(text=f"{bob.phone[1:4]} {bob.phone[4:]}") == ["Bob"]
    assert found(role="auditor") == ["Olga"]
    assert found(status="suspended", role="auditor", text="o", unit="") == ["Olga"]
    assert found(unit="ward") == ["Bob"]
    assert found(kind="guest") == []
    assert found(text="%") == found(text="_") == []


def test_what_no_filter_can_be_is_said_and_shows_nobody(
    acme: Organisation, alice: Membership
) -> None:
    answer = cast.signed_in(alice).get(address(acme, "members", role="emperor"))

    assert answer.status_code == 200
    assert names(answer) == []
    assert "There is a problem" in answer.text
    assert "emperor" in answer.text


def test_an_empty_list_says_that_nothing_matches(acme: Organisation, alice: Membership) -> None:
    answer = cast.signed_in(alice).get(address(acme, "members", text="Zoe"))

    assert "Nothing matches" in answer.text
    assert "Zoe" in answer.text


def test_another_organisations_people_never_appear(
    acme: Organisation, alice: Membership, bob: Membership, charlie: Membership
) -> None:
    browser = cast.signed_in(charlie)

    assert browser.get(address(acme, "members")).status_code == 404
    assert browser.get(address(acme, "member", bob.id)).status_code == 404
    own = browser.get(address(charlie.organisation, "members"))
    assert names(own) == ["Charlie"]
    theirs = browser.get(address(charlie.organisation, "member", bob.id))
    nobodys = browser.get(address(charlie.organisation, "member", uuid4()))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.text.replace(theirs["X-Request-ID"], "") == nobodys.text.replace(
        nobodys["X-Request-ID"], ""
    )


def test_a_member_has_no_console(acme: Organisation, alice: Membership, bob: Membership) -> None:
    browser = cast.signed_in(bob)

    assert browser.get(address(acme, "members")).status_code == 404
    assert browser.get(address(acme, "member", alice.id)).status_code == 404


def test_ten_thousand_cost_what_ten_do(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)

    def statements(**query: str) -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as sent:
            answer = browser.get(address(acme, "members", **query))
        assert answer.status_code == 200
        return [statement["sql"] for statement in sent]

    statements()
    few = statements()
    crowd(acme, PEOPLE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orgs_membership")
    many = statements()
    assert len(many) == len(few)
    filtered = statements(text="Person 0999", status="active")
    assert len(filtered) == len(few)

    listing = next(sql for sql in many if "LIMIT 51" in sql)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {listing}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "membership_by_name" in plan
    assert "Sort" not in plan


def test_pages_follow_each_other_without_gap_or_overlap(
    acme: Organisation, alice: Membership
) -> None:
    crowd(acme, 120)
    browser = cast.signed_in(alice)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = browser.get(address(acme, "members", unit="ward", cursor=cursor))
        seen += names(answer)
        cursor = answer.context["page"].next

    assert seen == [f"Person {number:05}" for number in range(1, 120, 2)]


# The person page


def test_the_person_page_shows_what_is_known(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    act(acme, suspend_membership, membership_id=bob.id, reason="Under inquiry")
    answer = cast.signed_in(alice).get(address(acme, "member", bob.id))

    for told in (bob.phone, bob.email, "Under inquiry", str(bob.id), "SemaFore server"):
        assert told in answer.text
    assert bob_phone.keys.identity_key is not None
    assert answer.context["reports"][0].device.id == bob_phone.id


@pytest.mark.parametrize(
    ("role", "labels"),
    [
        (
            Role.OWNER,
            {
                "Change name or unit",
                "Change role",
                "Set or clear end",
                "Suspend",
                "End membership",
                "Place a hold",
                "Report",
                "Subject access export",
            },
        ),
        (
            Role.ADMIN,
            {
                "Change name or unit",
                "Set or clear end",
                "Suspend",
                "End membership",
            },
        ),
        (Role.HELPDESK, set()),
        (Role.AUDITOR, {"Place a hold", "Report", "Subject access export"}),
    ],
)
def test_acts_are_offered_by_permission(
    acme: Organisation, alice: Membership, bob: Membership, role: Role, labels: set[str]
) -> None:
    person = cast.member(acme, "Somebody", role)
    answer = cast.signed_in(person).get(address(acme, "member", bob.id))
    offered = {act.label for act in answer.context["acts"]} - {"Reset second factor"}

    assert offered == labels


def test_nothing_is_offered_that_would_be_refused(acme: Organisation, alice: Membership) -> None:
    admin = cast.member(acme, "Ada", Role.ADMIN)
    on_the_owner = cast.signed_in(admin).get(address(acme, "member", alice.id))
    on_herself = cast.signed_in(alice).get(address(acme, "member", alice.id))
    act(acme, end_membership, membership_id=admin.id, reason="left")
    on_the_ended = cast.signed_in(alice).get(address(acme, "member", admin.id))

    def offered(answer: Any) -> set[str]:
        return {act.label for act in answer.context["acts"]}

    assert not offered(on_the_owner)
    assert offered(on_herself) == {"Change name or unit", "Place a hold", "Subject access export"}
    assert offered(on_the_ended) == {
        "Change name or unit",
        "Leaver's record",
        "Place a hold",
        "Report",
        "Subject access export",
    }


def test_a_guests_page_names_sponsor_and_end(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    guest = cast.member(acme, "Gus")
    with organisation_scope(acme.id):
        Membership.objects.filter(id=guest.id).update(
            kind=MembershipKind.GUEST, sponsor=bob, ends_at=clock.now() + timedelta(days=3)
        )
    answer = cast.signed_in(alice).get(address(acme, "member", guest.id))

    assert address(acme, "member", bob.id) in answer.text
    assert "Change role" not in answer.text
