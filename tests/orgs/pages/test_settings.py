"""Settings and policy."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orgs.models import Membership, Organisation, Policy, Role
from orgs.services.organisations import PolicyChange
from semafore.kernel.tenancy import organisation_scope
from tests import cast

AS_IT_IS = {
    "devices_per_member": "6",
    "second_device_approval": "administrator",
    "guest_stay_days": "90",
    "external_room_approvers": "1",
    "push_wake_ups": "on",
}


def address(of: Organisation, name: str) -> str:
    return reverse(name, args=[of.slug])


def policy(of: Organisation) -> Policy:
    with organisation_scope(of.id):
        return Policy.objects.get()


def save(browser: Client, of: Organisation, **changed: str) -> Any:
    return browser.post(address(of, "policy"), {**AS_IT_IS, **changed})


def test_settings_are_shown_in_plain_words(acme: Organisation, alice: Membership) -> None:
    answer = cast.signed_in(alice).get(address(acme, "settings"))

    for told in (acme.name, acme.slug, "72 hours", "Devices per member", "An administrator"):
        assert told in answer.text


def test_every_setting_of_the_policy_can_be_changed(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)
    form = browser.get(address(acme, "policy")).context["form"]

    assert set(form.fields) == set(PolicyChange.__dataclass_fields__)
    save(
        browser,
        acme,
        totp_required="on",
        devices_per_member="4",
        second_device_approval="own_device",
        guest_stay_days="30",
        external_room_approvers="2",
        emergency_rooms="on",
        duty_approver=str(alice.id),
        push_wake_ups="",
    )
    changed = policy(acme)
    assert changed.totp_required
    assert changed.emergency_rooms
    assert changed.duty_approver_id == alice.id
    assert not changed.push_wake_ups
    assert (changed.devices_per_member, changed.guest_stay_days) == (4, 30)
    assert (changed.second_device_approval, changed.external_room_approvers) == ("own_device", 2)


def test_what_was_and_is_stands_on_the_page_and_in_the_log(
    acme: Organisation, alice: Membership
) -> None:
    browser = cast.signed_in(alice)
    answer = save(browser, acme, devices_per_member="4")

    assert answer["Location"] == address(acme, "settings")
    assert "Devices per member: 6 → 4" in browser.get(address(acme, "settings")).text
    assert [event["data"] for event in cast.events(acme, "policy.changed")] == [
        {"before": {"devices_per_member": 6}, "after": {"devices_per_member": 4}}
    ]


def test_the_duty_approver_is_chosen_among_those_who_manage_rooms(
    acme: Organisation, alice: Membership, bob: Membership, charlie: Membership
) -> None:
    ann = cast.member(acme, "Ann", Role.ADMIN)
    browser = cast.signed_in(alice)
    offered = browser.get(address(acme, "policy")).context["form"].fields["duty_approver"].choices
    assert [name for _, name in offered] == ["Nobody", "Alice", "Ann"]

    assert save(browser, acme, duty_approver=str(bob.id)).status_code == 422
    save(browser, acme, duty_approver=str(ann.id))
    page = browser.get(address(acme, "settings")).text
    assert "Duty approver: Nobody → Ann" in page
    assert policy(acme).duty_approver_id == ann.id
    assert save(browser, acme, duty_approver=str(ann.id)).status_code == 302
    assert len(cast.events(acme, "policy.changed")) == 1
    save(browser, acme, duty_approver="")
    assert policy(acme).duty_approver_id is None


def test_a_duty_approver_who_lost_the_role_reads_as_nobody(
    acme: Organisation, alice: Membership
) -> None:
    ann = cast.member(acme, "Ann", Role.ADMIN)
    browser = cast.signed_in(alice)
    save(browser, acme, duty_approver=str(ann.id))
    with organisation_scope(acme.id):
        Membership.objects.filter(id=ann.id).update(role=Role.MEMBER)

    assert ">Ann<" not in browser.get(address(acme, "policy")).text
    assert save(browser, acme, guest_stay_days="30").status_code == 302
    assert "Duty approver:" not in browser.get(address(acme, "settings")).text


def test_what_is_left_alone_is_not_an_event(acme: Organisation, alice: Membership) -> None:
    assert save(cast.signed_in(alice), acme).status_code == 302
    assert not cast.events(acme, "policy.changed")


@pytest.mark.parametrize("wrong", ["0", "51", "many", ""])
def test_what_cannot_be_is_refused_and_stays_typed(
    acme: Organisation, alice: Membership, wrong: str
) -> None:
    answer = save(cast.signed_in(alice), acme, devices_per_member=wrong, guest_stay_days="17")

    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert 'value="17"' in answer.text
    assert policy(acme).guest_stay_days == 90


@pytest.mark.parametrize(
    ("role", "sees", "changes"),
    [("admin", 200, 403), ("helpdesk", 200, 403), ("auditor", 200, 403), ("member", 404, 404)],
)
def test_owners_alone_change_it(
    acme: Organisation, alice: Membership, role: str, sees: int, changes: int
) -> None:
    browser = cast.signed_in(cast.member(acme, "Somebody", Role(role)))
    answer = browser.get(address(acme, "settings"))

    assert answer.status_code == sees
    assert address(acme, "policy") not in answer.text
    assert browser.get(address(acme, "policy")).status_code == changes
    assert save(browser, acme, guest_stay_days="1").status_code == changes
    assert policy(acme).guest_stay_days == 90


def test_another_organisations_owner_sees_nothing(acme: Organisation, charlie: Membership) -> None:
    browser = cast.signed_in(charlie)
    for name in ("settings", "policy"):
        assert browser.get(address(acme, name)).status_code == 404
    assert save(browser, acme, guest_stay_days="1").status_code == 404


def test_the_policy_asks_for_the_factor_again(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice, proven=False)
    answer = save(browser, acme, guest_stay_days="1")

    assert answer["Location"].startswith(reverse("step_up"))
    assert policy(acme).guest_stay_days == 90
