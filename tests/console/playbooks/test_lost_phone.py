"""Lost phone: who may, what goes, what stays, and the record."""

import pytest

from keys.models import DeviceStatus, RevocationReason
from keys.selectors.credentials import state_of_token
from orgs.models import Membership, Organisation, Role
from tests import cast
from tests.cast import Phone
from tests.console.playbooks.acts import (
    REASON,
    carried_out,
    ids_of,
    number_of_events,
    page,
    record_of,
    run_of,
)


def test_the_device_goes_and_the_others_stay(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    tablet = cast.phone(bob, name="Tablet")
    token, other = bob_phone.api.token(), tablet.api.token()
    browser = cast.signed_in(alice)
    plan = browser.get(page("lost_phone", acme, device=bob_phone.id))
    assert plan.context["form"].initial == {"devices": [bob_phone.id]}

    typed = {"devices": [str(bob_phone.id)], **REASON}
    record = carried_out(browser, acme, "lost_phone", typed, device=bob_phone.id)

    assert bob_phone.reload().status == DeviceStatus.REVOKED
    assert bob_phone.reload().revocation_reason == RevocationReason.LOST
    assert tablet.reload().status == DeviceStatus.APPROVED
    assert state_of_token(token) is None
    assert state_of_token(other) is not None
    run = run_of(acme)
    assert run["playbook"] == "Lost phone"
    assert run["reason"] == "Left on the train"
    revoked = ids_of(acme, "device.revoked")
    assert run["events"] == revoked
    text = record_of(alice, acme, record)
    for told in (*revoked, str(record), "Left on the train", "Alice revoked Phone of Bob"):
        assert told in text
    assert "Waits for its place" not in text


def test_the_second_time_says_that_it_is_done(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    browser = cast.signed_in(alice)
    address, typed = page("lost_phone", acme, person=bob.id), {"devices": bob_phone.id, **REASON}
    assert browser.post(address, typed).status_code == 302
    before = number_of_events(acme)

    again = browser.post(address, typed)
    assert again.status_code == 422
    assert "done already" in again.text
    assert number_of_events(acme) == before
    assert "purpose=device" in browser.get(address).text


def test_the_helpdesk_may_and_is_told_what_comes_next(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    browser = cast.signed_in(cast.member(acme, "Hal", Role.HELPDESK))
    address = page("lost_phone", acme, person=bob.id)
    answer = browser.post(address, {"devices": bob_phone.id, **REASON}, follow=True)
    assert answer.redirect_chain == [(address, 302)]
    assert "No device is left" in answer.text
    assert bob_phone.reload().status == DeviceStatus.REVOKED


def test_an_auditor_sees_why_not(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    browser = cast.signed_in(cast.member(acme, "Ann", Role.AUDITOR))
    address = page("lost_phone", acme, person=bob.id)
    assert "Owners, admins and the helpdesk may carry it out" in browser.get(address).text
    assert browser.post(address, {"devices": bob_phone.id, **REASON}).status_code == 403
    assert bob_phone.reload().status == DeviceStatus.APPROVED


def test_a_device_of_somebody_else_is_none_of_theirs(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    typed = {"devices": [str(bob_phone.id), str(alice_phone.id)], **REASON}
    answer = cast.signed_in(alice).post(page("lost_phone", acme, person=bob.id), typed)
    assert answer.status_code == 422
    assert bob_phone.reload().status == DeviceStatus.APPROVED


@pytest.mark.parametrize("missing", ["devices", "reason"])
def test_nothing_happens_by_halves(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone, missing: str
) -> None:
    typed = {"devices": str(bob_phone.id), **REASON, missing: ""}
    answer = cast.signed_in(alice).post(page("lost_phone", acme, person=bob.id), typed)
    assert answer.status_code == 422
    assert bob_phone.reload().status == DeviceStatus.APPROVED


def test_the_first_step_finds_people_and_devices(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone, charlie: Membership
) -> None:
    browser = cast.signed_in(alice)
    for words, found in (("Bob", f"?person={bob.id}"), ("Phone", f"?device={bob_phone.id}")):
        assert found in browser.get(page("lost_phone", acme, q=words)).text
    assert "Nothing matches" in browser.get(page("lost_phone", acme, q="Charlie")).text
    assert browser.get(page("lost_phone", acme, person=charlie.id)).status_code == 404
    assert browser.get(page("lost_phone", acme, person="x")).status_code == 404
    assert browser.post(page("lost_phone", acme), REASON).status_code == 422
