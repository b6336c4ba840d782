"""Approvals: what the deciding person sees, and what each decision does."""

import html
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from invitations.models import PhoneChange
from keys.fingerprint import fingerprint
from keys.models import Comparison, Device, DeviceStatus
from orgs.models import Membership, MembershipStatus, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone
from tests.orgs.sign_in.people import text_of

PENDING = MembershipStatus.PENDING


@pytest.fixture
def newcomer(acme: Organisation) -> Phone:
    """Somebody whose first device waits."""
    return cast.phone(cast.member(acme, "Nia", status=PENDING), approved=False)


@pytest.fixture
def browser(alice: Membership) -> Client:
    return cast.signed_in(alice)


def path(of: Organisation, *words: object) -> str:
    return "/".join(["/console", of.slug, "approvals", *map(str, words)])


def test_the_list_shows_the_fingerprint_to_compare(
    acme: Organisation, globex: Organisation, browser: Client, newcomer: Phone
) -> None:
    cast.phone(cast.member(globex, "Foreigner", status=PENDING), approved=False)
    page = browser.get(path(acme)).content.decode()

    digits = fingerprint(newcomer.keys.identity_key, newcomer.id)
    assert digits.replace(" ", "") in re.sub(r"<[^>]+>|\s", "", page)
    assert "Nia" in page
    assert "Foreigner" not in page


def test_approving_lets_member_and_device_in(
    acme: Organisation, alice: Membership, browser: Client, newcomer: Phone
) -> None:
    answer = browser.post(path(acme, newcomer.id), {"compared": "call"}, follow=True)

    assert "Nia's Phone is approved" in html.unescape(answer.content.decode())
    device = newcomer.reload()
    assert (device.status, device.compared) == (DeviceStatus.APPROVED, Comparison.CALL)
    assert device.decided_by_id == alice.id
    assert device.membership.status == MembershipStatus.ACTIVE


def test_how_it_was_compared_must_be_said(
    acme: Organisation, browser: Client, newcomer: Phone
) -> None:
    answer = browser.post(path(acme, newcomer.id), {})

    assert answer.status_code == 422
    assert "Say how you compared" in answer.content.decode()
    assert newcomer.reload().status == DeviceStatus.PENDING


def test_denying_needs_a_reason_and_keeps_it(
    acme: Organisation, browser: Client, newcomer: Phone
) -> None:
    assert browser.post(path(acme, newcomer.id, "deny"), {"reason": " "}).status_code == 422
    assert newcomer.reload().status == DeviceStatus.PENDING
    browser.post(path(acme, newcomer.id, "deny"), {"reason": "Not known here."})

    device = newcomer.reload()
    assert (device.status, device.denial_reason) == (DeviceStatus.DENIED, "Not known here.")
    assert "Not known here." in browser.get(path(acme, newcomer.id)).content.decode()


@pytest.mark.parametrize("act", [(), ("deny",)])
def test_whoever_comes_second_sees_what_the_first_decided(
    acme: Organisation, browser: Client, newcomer: Phone, act: tuple[str, ...]
) -> None:
    ben = cast.signed_in(cast.member(acme, "Ben", Role.ADMIN))
    browser.post(path(acme, newcomer.id), {"compared": "in_person"})
    answer = ben.post(path(acme, newcomer.id, *act), {"compared": "not_compared", "reason": "No."})

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Somebody else decided this" in page
    assert "by Alice" in page
    assert newcomer.reload().compared == Comparison.IN_PERSON


def test_nobody_approves_themselves(acme: Organisation, alice: Membership, browser: Client) -> None:
    own = cast.phone(alice, approved=False)
    answer = browser.post(path(acme, own.id), {"compared": "in_person"})

    assert answer.status_code == 403
    assert own.reload().status == DeviceStatus.PENDING


def test_several_are_decided_one_by_one(
    acme: Organisation, alice: Membership, browser: Client
) -> None:
    waiting = [
        cast.phone(cast.member(acme, name, status=PENDING), approved=False)
        for name in ("Nia", "Olu", "Pam")
    ]
    own = cast.phone(alice, approved=False)
    ids = [str(one.id) for one in (*waiting, own)]
    page = browser.get(path(acme, "batch"), {"device": ids}).content.decode()
    assert all(name in page for name in ("Nia", "Olu", "Pam"))
    answer = browser.post(
        path(acme, "batch"),
        {"device": ids, ids[0]: "in_person", ids[1]: "call", ids[2]: "", ids[3]: "call"},
    )

    outcomes = [one.reload().status for one in (*waiting, own)]
    assert outcomes == ["approved", "approved", "pending", "pending"]
    assert "decide your own request" in answer.content.decode()


@pytest.mark.parametrize("words", ["nonsense", "00000000-0000-0000-0000-000000000000", ""])
def test_a_batch_of_nothing_says_so(acme: Organisation, browser: Client, words: str) -> None:
    for answer in (
        browser.get(path(acme, "batch"), {"device": words}),
        browser.post(path(acme, "batch"), {"device": words}),
    ):
        assert answer.status_code == 200
        assert "Nothing" in answer.content.decode()


def test_a_person_whose_time_is_over_waits_no_more(
    acme: Organisation, browser: Client, newcomer: Phone
) -> None:
    with cast.inside(acme):
        Membership.objects.filter(id=newcomer.device.membership_id).update(
            ends_at=clock.now() - timedelta(seconds=1)
        )

    # Without what is random: three letters stand in it now and then.
    pending = text_of(browser.get(path(acme)))
    assert "Nia" not in pending
    assert 'class="count"' not in pending
    assert "Nia" in browser.get(path(acme), {"tab": "expired"}).content.decode()


def test_the_decided_tab_says_who_and_when(
    acme: Organisation, browser: Client, newcomer: Phone
) -> None:
    browser.post(path(acme, newcomer.id), {"compared": "call"})
    page = browser.get(path(acme), {"tab": "decided"}).content.decode()
    assert "by Alice" in page


def test_the_list_takes_as_many_statements_however_many_wait(
    acme: Organisation, browser: Client, newcomer: Phone, django_assert_max_num_queries: Any
) -> None:
    browser.get(path(acme))
    with django_assert_max_num_queries(12) as few:
        browser.get(path(acme))
    for number in range(5):
        cast.phone(cast.member(acme, f"N{number}", status=PENDING), approved=False)
    with django_assert_max_num_queries(len(few.captured_queries)):
        browser.get(path(acme))


def test_pages_follow_each_other(acme: Organisation, browser: Client, newcomer: Phone) -> None:
    with cast.inside(acme):
        Device.objects.bulk_create(
            Device(
                organisation_id=acme.id,
                membership_id=newcomer.device.membership_id,
                onboarding_id=uuid4(),
                name=f"Device {number:03}",
                platform="ios",
                registration_id=1,
                identity_key=number.to_bytes(32, "big"),
            )
            for number in range(1, 60)
        )
    first = browser.get(path(acme))
    second = browser.get(path(acme), {"cursor": first.context["page"].next})
    shown = [*first.context["requests"], *second.context["requests"]]
    assert len({request.device.id for request in shown}) == 60
    assert second.context["page"].next is None


# New numbers and lost factors


@pytest.fixture
def change(acme: Organisation, bob: Membership) -> PhoneChange:
    """Bob's new number, proved."""
    with cast.inside(acme):
        return PhoneChange.objects.create(
            organisation_id=acme.id,
            membership=bob,
            phone="+447700900997",
            proved_at=clock.now(),
        )


def test_a_new_number_is_approved(
    acme: Organisation, bob: Membership, browser: Client, change: PhoneChange
) -> None:
    assert "+447700900997" in browser.get(path(acme)).content.decode()
    where = path(acme, "phone-changes", change.id)
    assert bob.phone in browser.get(where).content.decode()
    browser.post(where, {"decision": "approve"})

    with cast.inside(acme):
        assert Membership.objects.get(id=bob.id).phone == "+447700900997"
    assert "by Alice" in browser.get(where).content.decode()
    assert "by Alice" in browser.get(path(acme), {"tab": "decided"}).content.decode()


def test_a_new_number_is_denied_with_a_reason(
    acme: Organisation, bob: Membership, browser: Client, change: PhoneChange
) -> None:
    where = path(acme, "phone-changes", change.id)
    assert browser.post(where, {"decision": "deny"}).status_code == 409
    assert browser.post(where, {}).status_code == 409
    browser.post(where, {"decision": "deny", "reason": "Bob knows nothing of it."})
    again = browser.post(where, {"decision": "approve"})

    assert again.status_code == 409
    assert "Bob knows nothing of it." in again.content.decode()
    with cast.inside(acme):
        assert Membership.objects.get(id=bob.id).phone == bob.phone


def test_a_lost_factor_waits_for_a_second_administrator(
    acme: Organisation, alice: Membership, bob: Membership, browser: Client
) -> None:
    ben = cast.signed_in(cast.member(acme, "Ben", Role.ADMIN))
    ben.post(f"/console/{acme.slug}/members/{bob.id}/factor-reset", {"reason": "New phone."})
    page = browser.get(path(acme)).content.decode()

    assert "Ben asks for a reset" in page
    assert f"/console/{acme.slug}/factor-resets/" in page
    assert '<span class="count">1' in page or 'class="count">1' in page
    helpdesk = cast.signed_in(cast.member(acme, "Hal", Role.HELPDESK))
    assert f"/console/{acme.slug}/factor-resets/" not in helpdesk.get(path(acme)).content.decode()
