"""The console's pages of invitations."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from invitations.models import Channel, Delivery, Invitation, Purpose, State
from invitations.services import changes
from invitations.services.issuing import issue_invitations
from invitations.services.tokens import invitation_link, invitation_token
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.cast import signed_in
from tests.invitations.acts import as_member, console_draft, draft, issue, now, within

CHANGES = ("resend", "new-link", "extend", "revoke")
TYPED = {"valid_days": "7", "reason": "mistake"}


@pytest.fixture
def browser(alice: Membership) -> Client:
    return signed_in(alice)


def at(of: Organisation, path: str = "") -> str:
    return f"/console/{of.slug}/invitations/{path}".rstrip("/")


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def only(of: Organisation) -> Invitation:
    with organisation_scope(of.id):
        return Invitation.objects.select_related("party").get()


# The list


def test_an_empty_list_says_which_kind_of_nothing(acme: Organisation, browser: Client) -> None:
    assert "Nobody has been invited yet" in text(browser.get(at(acme)))
    assert "Nothing matches" in text(browser.get(at(acme), {"search": "zoe"}))


def test_the_list_is_filtered_by_its_address(acme: Organisation, browser: Client) -> None:
    issue(acme, name="Dan", phone="+447922300999")
    issue(acme, wanted=console_draft(email="eve@example.org", name="Eve"))
    gone = issue(acme, name="Fay", channel=Channel.HAND)
    within(acme, changes.revoke, invitation_id=gone.id, reason="x")

    def names(**wanted: str) -> list[str]:
        return [one for one in ("Dan", "Eve", "Fay") if f">{one}</a>" in text(found(**wanted))]

    def found(**wanted: str) -> Any:
        return browser.get(at(acme), wanted)

    assert names() == ["Dan", "Eve", "Fay"]
    assert names(state="open") == ["Dan", "Eve"]
    assert names(state="revoked") == ["Fay"]
    assert names(purpose="console") == ["Eve"]
    assert names(search="da") == ["Dan"]
    assert names(search="+44 7922 300999") == ["Dan"]
    assert names(search="eve@") == ["Eve"]
    assert names(state="open", purpose="member", search="F") == []
    assert "Select a valid choice" in text(found(state="nonsense"))


def test_the_list_pages_with_a_fixed_number_of_queries(
    acme: Organisation, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    within(acme, issue_invitations, drafts=[draft(name=f"P{n:03}") for n in range(200)])
    browser.get(at(acme))
    seen: set[str] = set()
    address = at(acme)
    for _ in range(4):
        with django_assert_num_queries(7):  # session, account, seat, rows, and three of the shell
            page = browser.get(address).content.decode()
        seen |= set(re.findall(r">(P\d{3})</a>", page))
        following = re.search(r'href="(\?[^"]*cursor=[^"]*)"', page)
        address = at(acme) + following.group(1).replace("&amp;", "&") if following else ""

    assert len(seen) == 200
    assert address == ""


def test_what_could_not_be_delivered_shows(acme: Organisation, browser: Client) -> None:
    dan = issue(acme)
    with organisation_scope(acme.id):
        Invitation.objects.update(
            delivery=Delivery.FAILED, delivery_error="The SMS service answered 400."
        )
    for page in (browser.get(at(acme)), browser.get(at(acme, f"{dan.id}/"))):
        assert "The SMS service answered 400." in text(page)


# Issuing


def test_a_member_is_invited(acme: Organisation, browser: Client, alice: Membership) -> None:
    typed = {
        "name": " Dan  Smith ",
        "phone": "+44 7922 300999",
        "role": "helpdesk",
        "unit": "IT",
        "channel": "sms",
        "valid_days": "14",
    }
    answer = browser.post(at(acme, "new"), typed)
    dan = only(acme)

    assert answer["Location"] == at(acme, f"{dan.id}/")
    assert (dan.name, dan.phone, dan.role) == ("Dan Smith", "+447922300999", Role.HELPDESK)
    assert dan.issued_by_id == alice.id
    assert dan.expires_at > clock.now() + timedelta(days=13)


def test_a_guest_is_invited_through_a_room(acme: Organisation, browser: Client) -> None:
    assert f"/console/{acme.slug}/rooms/new" in text(browser.get(at(acme, "new")))
    assert browser.get(at(acme, "new"), {"purpose": "guest"}).status_code == 404
    helper = cast.signed_in(cast.member(acme, "Helen", Role.HELPDESK))
    page = text(helper.get(at(acme, "new")))
    assert "asks for an external room" in page
    assert "/rooms/new" not in page


def test_a_device_is_replaced(acme: Organisation, browser: Client, bob: Membership) -> None:
    page = browser.get(at(acme, "new"), {"purpose": "device", "member": bob.phone})
    assert f'value="{bob.phone}"' in text(page)
    typed = {"member": bob.email, "channel": "sms", "valid_days": "7"}
    browser.post(at(acme, "new?purpose=device"), typed)
    assert (only(acme).purpose, only(acme).membership_id) == (Purpose.DEVICE, bob.id)


def test_a_service_that_refuses_keeps_what_was_typed(
    acme: Organisation, browser: Client, bob: Membership
) -> None:
    typed = {"name": "Dan", "phone": bob.phone, "role": "member", "channel": "sms"}
    answer = browser.post(at(acme, "new"), typed | {"valid_days": "7"})

    assert answer.status_code == 422
    assert "is a member already" in text(answer)
    assert 'value="Dan"' in text(answer)
    national = browser.post(at(acme, "new"), typed | {"phone": "07922 300999"})
    assert "country code" in text(national)


def test_only_who_may_give_them_is_offered_roles(acme: Organisation) -> None:
    admin = signed_in(cast.member(acme, "Ann", Role.ADMIN))
    page = text(admin.get(at(acme, "new")))
    assert 'value="member"' in page
    assert 'value="owner"' not in page
    assert "Console only" not in page
    assert admin.get(at(acme, "new?purpose=console")).status_code == 403
    assert admin.get(at(acme, "new?purpose=founding")).status_code == 404
    forged = {"name": "D", "phone": "+447922300999", "role": "owner", "channel": "sms"}
    assert admin.post(at(acme, "new"), forged | {"valid_days": "7"}).status_code == 422


# One invitation


def test_its_link_is_for_who_may_invite(acme: Organisation, browser: Client) -> None:
    dan = issue(acme)
    page = browser.get(at(acme, f"{dan.id}/"))
    assert invitation_link(dan) in text(page)
    assert "data:image/svg+xml" in text(page)
    assert page["Cache-Control"] == "private, no-store"
    auditor = signed_in(cast.member(acme, "Aud", Role.AUDITOR))
    theirs = text(auditor.get(at(acme, f"{dan.id}/")))
    assert invitation_token(dan) not in theirs
    assert "Revoke" not in theirs


def test_one_that_proves_an_address_shows_no_link(acme: Organisation, browser: Client) -> None:
    dan = issue(acme, wanted=console_draft())
    assert invitation_token(dan) not in text(browser.get(at(acme, f"{dan.id}/")))
    assert invitation_token(dan) not in text(browser.get(at(acme)))


def test_a_dead_link_is_not_shown(acme: Organisation, alice: Membership, browser: Client) -> None:
    dan = issue(acme, valid_days=1)
    with clock.moved_by(timedelta(days=1, minutes=1)):
        later = text(signed_in(alice).get(at(acme, f"{dan.id}/")))
        assert "Dan" in later
        assert invitation_token(dan) not in later
    within(acme, changes.revoke, invitation_id=dan.id, reason="wrong person")
    page = text(browser.get(at(acme, f"{dan.id}/")))
    assert invitation_token(dan) not in page
    assert "wrong person" in page


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_says_what_it_does_and_does_it(
    acme: Organisation, browser: Client, change: str
) -> None:
    dan = issue(acme)
    before = now(dan)
    assert "Dan" in text(browser.get(at(acme, f"{dan.id}/{change}")))
    assert now(dan).state == State.ISSUED
    answer = browser.post(at(acme, f"{dan.id}/{change}"), TYPED, follow=True)
    after = now(dan)

    assert answer.redirect_chain == [(at(acme, f"{dan.id}/"), 302)]
    assert "Dan" in text(answer)
    assert {
        "resend": after.delivery_at != before.delivery_at,
        "new-link": after.issue_number == 2,
        "extend": after.expires_at > before.expires_at,
        "revoke": (after.state, after.reason) == (State.REVOKED, "mistake"),
    }[change]


def test_a_reason_is_needed_and_too_late_says_so(acme: Organisation, browser: Client) -> None:
    dan = issue(acme)
    assert browser.post(at(acme, f"{dan.id}/revoke"), {"reason": " "}).status_code == 422
    within(acme, changes.decline, invitation_id=dan.id)
    answer = browser.post(at(acme, f"{dan.id}/revoke"), TYPED)
    assert answer.status_code == 422
    assert "declined" in text(answer)


# Who may


def test_another_organisations_is_like_nobodys(
    acme: Organisation, globex: Organisation, browser: Client
) -> None:
    theirs = issue(globex)
    for path in ("", *CHANGES):
        pages = []
        for invitation_id in (theirs.id, uuid4()):
            where = at(acme, f"{invitation_id}/{path}")
            answers = [browser.get(where)]
            if path:
                answers.append(browser.post(where, TYPED))
            assert {answer.status_code for answer in answers} == {404}
            pages.append([text(one).replace(one["X-Request-ID"], "") for one in answers])
        assert pages[0] == pages[1]
    assert now(theirs).state == State.ISSUED
    outsider = at(globex, f"{theirs.id}/")
    assert browser.get(outsider).status_code == 404


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.MEMBER])
def test_who_may_not_invite_changes_nothing(
    acme: Organisation, alice: Membership, role: Role
) -> None:
    dan = issue(acme, actor=as_member(alice))
    browser = signed_in(cast.member(acme, "Max", role))
    refusal = 403 if role == Role.AUDITOR else 404
    for path in ("new", "bulk", "bulk/confirm", *(f"{dan.id}/{change}" for change in CHANGES)):
        assert browser.get(at(acme, path)).status_code == refusal, path
        assert browser.post(at(acme, path), TYPED).status_code == refusal, path
    assert now(dan).state == State.ISSUED
    assert browser.get(at(acme)).status_code == (200 if role == Role.AUDITOR else 404)
