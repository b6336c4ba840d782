"""Acts on one person: role, name, end, suspension, activation, departure."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.urls import reverse

from audit.models import Denial
from keys.models import DeviceStatus
from keys.selectors.credentials import state_of_token
from orgs.models import Membership, MembershipChange, MembershipStatus, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast

REASON = {"reason": "Left the company"}
ACTS = {
    "member_role": {"role": "auditor"},
    "member_edit": {"name": "Robert", "unit": "Ward"},
    "member_end_date": {"ends_at": "2099-01-01T12:00"},
    "member_suspend": REASON,
    "member_activate": REASON,
    "playbook_leaver": REASON,
}
SENSITIVE = sorted(set(ACTS) - {"member_edit"})
GUIDED = {"playbook_leaver"}
"""The person stands in the query."""


def address(person: Membership, name: str) -> str:
    return address_of(person.id, name, person.organisation.slug)


def address_of(person_id: UUID, name: str, slug: str) -> str:
    if name in GUIDED:
        return reverse(name, args=[slug], query={"person": person_id})
    return reverse(name, args=[slug, person_id])


def now(person: Membership) -> Membership:
    with organisation_scope(person.organisation_id):
        return Membership.objects.get(id=person.id)


def suspended(person: Membership) -> None:
    with acting_as(SYSTEM), organisation_scope(person.organisation_id):
        suspend_membership(membership_id=person.id, reason="inquiry")


@pytest.fixture
def ada(acme: Organisation, alice: Membership) -> Membership:
    """Admin of Acme."""
    return cast.member(acme, "Ada", Role.ADMIN)


def test_a_role_is_changed(alice: Membership, bob: Membership) -> None:
    answer = cast.signed_in(alice).post(address(bob, "member_role"), {"role": "helpdesk"})

    assert answer.status_code == 302
    assert answer["Location"] == address(bob, "member")
    assert now(bob).role == Role.HELPDESK
    assert cast.events(bob, "member.role_changed")[0]["data"] == {
        "before": "member",
        "after": "helpdesk",
    }


def test_name_and_unit_are_changed_with_before_and_after(
    alice: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    browser.post(address(bob, "member_edit"), {"name": "Robert", "unit": ""})
    browser.post(address(bob, "member_edit"), {"name": "Robert", "unit": ""})

    assert (now(bob).name, now(bob).unit) == ("Robert", "")
    assert [event["data"] for event in cast.events(bob, "member.edited")] == [
        {"before": {"name": "Bob"}, "after": {"name": "Robert"}}
    ]


def test_an_end_is_set_and_cleared(alice: Membership, bob: Membership) -> None:
    browser = cast.signed_in(alice)
    browser.post(address(bob, "member_end_date"), {"ends_at": "2099-01-01T12:00"})
    assert now(bob).ends_at is not None
    assert "2099-01-01T12:00" in browser.get(address(bob, "member_end_date")).text

    browser.post(address(bob, "member_end_date"), {"ends_at": ""})
    assert now(bob).ends_at is None
    assert len(cast.events(bob, "member.end_changed")) == 2


def test_an_end_in_the_past_is_refused_and_stays_typed(alice: Membership, bob: Membership) -> None:
    answer = cast.signed_in(alice).post(
        address(bob, "member_end_date"), {"ends_at": "2020-01-01T12:00"}
    )

    assert answer.status_code == 422
    assert "has to lie ahead" in answer.text
    assert "2020-01-01T12:00" in answer.text
    assert now(bob).ends_at is None


def test_suspended_activated_ended(
    alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    browser = cast.signed_in(alice)
    token = bob_phone.api.token()
    assert "1 device of Bob" in browser.get(address(bob, "member_suspend")).text

    browser.post(address(bob, "member_suspend"), {"reason": "Inquiry 7"})
    assert now(bob).status == MembershipStatus.SUSPENDED
    assert state_of_token(token) is None

    browser.post(address(bob, "member_activate"), {"reason": "Cleared"})
    assert now(bob).status == MembershipStatus.ACTIVE

    answer = browser.post(address(bob, "playbook_leaver"), REASON)
    assert "/playbooks/records/" in answer["Location"]
    assert now(bob).status == MembershipStatus.ENDED
    assert bob_phone.reload().status == DeviceStatus.REVOKED
    record = browser.get(address(bob, "playbook_leaver"))
    with organisation_scope(bob.organisation_id):
        end = MembershipChange.objects.get(membership=bob, status="ended")
    for told in ("Left the company", "Alice", str(end.event_id), "Phone"):
        assert told in record.text


def test_without_a_reason_nothing_happens(alice: Membership, bob: Membership) -> None:
    for reason in ("", "   ", "x" * 501):
        answer = cast.signed_in(alice).post(address(bob, "playbook_leaver"), {"reason": reason})
        assert answer.status_code == 422
    assert now(bob).status == MembershipStatus.ACTIVE


def test_the_last_owner_is_kept_and_the_page_says_so(acme: Organisation, alice: Membership) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER)
    with organisation_scope(acme.id):
        Membership.objects.filter(id=olga.id).update(ends_at=clock.now() + timedelta(days=1))
    answer = cast.signed_in(olga).post(address(alice, "member_suspend"), REASON)

    assert answer.status_code == 422
    assert "last owner" in answer.text
    assert "Left the company" in answer.text
    assert now(alice).status == MembershipStatus.ACTIVE


@pytest.mark.parametrize("name", ACTS)
def test_an_admin_does_nothing_to_an_owner(ada: Membership, alice: Membership, name: str) -> None:
    before = now(alice)
    answer = cast.signed_in(ada).post(address(alice, name), ACTS[name])

    assert answer.status_code == 403
    assert (now(alice).role, now(alice).name, now(alice).status, now(alice).ends_at) == (
        before.role,
        before.name,
        before.status,
        before.ends_at,
    )


@pytest.mark.parametrize(
    "name", ["member_suspend", "playbook_leaver", "member_end_date", "member_role"]
)
def test_nobody_does_it_to_themselves(acme: Organisation, alice: Membership, name: str) -> None:
    cast.member(acme, "Olga", Role.OWNER)
    answer = cast.signed_in(alice).post(address(alice, name), ACTS[name])

    assert answer.status_code == 403
    assert (now(alice).role, now(alice).status, now(alice).ends_at) == ("owner", "active", None)


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR, Role.MEMBER])
@pytest.mark.parametrize("name", ACTS)
def test_who_may_not_manage_may_not(
    acme: Organisation, alice: Membership, bob: Membership, role: Role, name: str
) -> None:
    browser = cast.signed_in(cast.member(acme, "Somebody", role))
    wanted = 404 if role == Role.MEMBER else 403

    seen = 200 if name in GUIDED and role != Role.MEMBER else wanted
    assert browser.get(address(bob, name)).status_code == seen
    assert browser.post(address(bob, name), ACTS[name]).status_code == wanted
    assert now(bob).status == MembershipStatus.ACTIVE


@pytest.mark.parametrize("name", ACTS)
def test_another_organisations_person_looks_like_nobody(
    bob: Membership, charlie: Membership, name: str
) -> None:
    browser = cast.signed_in(charlie)
    slug = charlie.organisation.slug
    for method, typed in (("get", ()), ("post", (ACTS[name],))):
        answers = [
            getattr(browser, method)(address_of(person_id, name, slug), *typed)
            for person_id in (bob.id, uuid4())
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        texts = [answer.text.replace(answer["X-Request-ID"], "") for answer in answers]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("name", SENSITIVE)
def test_sensitive_acts_ask_for_the_factor_again(
    alice: Membership, bob: Membership, name: str
) -> None:
    browser = cast.signed_in(alice, proven=False)
    for answer in (
        browser.get(address(bob, name)),
        browser.post(address(bob, name), ACTS[name]),
    ):
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("step_up"))
    assert now(bob).status == MembershipStatus.ACTIVE


def test_leaving_lists_what_must_be_handed_over(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    assert "Nothing is left to hand over" in browser.get(address(bob, "playbook_leaver")).text

    guest = cast.member(acme, "Gus")
    with organisation_scope(acme.id):
        Membership.objects.filter(id=guest.id).update(
            kind="guest", sponsor=bob, ends_at=clock.now() + timedelta(days=3)
        )
    cast.phone(bob, approved=False, name="Tablet")
    text = browser.get(address(bob, "playbook_leaver")).text
    for told in ("Gus", "Tablet"):
        assert told in text
    assert "Nothing is left" not in text


def test_there_is_no_record_of_who_has_not_left(alice: Membership, bob: Membership) -> None:
    assert "Ended by" not in cast.signed_in(alice).get(address(bob, "playbook_leaver")).text


def test_a_suspended_owner_is_brought_back_by_owners_alone(
    ada: Membership, acme: Organisation, alice: Membership
) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER)
    suspended(olga)

    assert cast.signed_in(ada).post(address(olga, "member_activate"), REASON).status_code == 403
    assert cast.signed_in(alice).post(address(olga, "member_activate"), REASON).status_code == 302


def test_a_refused_act_is_counted(ada: Membership, alice: Membership) -> None:
    cast.signed_in(ada).post(address(alice, "playbook_leaver"), REASON)
    with organisation_scope(alice.organisation_id):
        assert Denial.objects.count() == 1
