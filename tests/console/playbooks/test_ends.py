"""Leaver and supplier breach: everything ends in one act, or nothing does."""

import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import transaction

from audit.services.recording import recorded_within
from console.errors import PlaybookDone
from console.playbooks.acts import cut_off_supplier, let_go
from invitations.models import Invitation
from keys.models import Device, DeviceStatus
from messaging.models import Room, RoomStatus
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services import memberships
from semafore.local.servers import ROOT, environment
from tests import cast
from tests.cast import Phone
from tests.console.playbooks.acts import (
    carried_out,
    ids_of,
    number_of_events,
    page,
    record_of,
    run_of,
)
from tests.invitations.onboarding.acts import acting
from tests.locks import wait_until_somebody_waits
from tests.messaging import externals, talk
from tests.messaging.pages import affairs
from tests.realtime.processes import database_url

LEFT = {"reason": "New job"}


def status(person: Membership) -> str:
    with cast.inside(person.organisation):
        return Membership.objects.get(id=person.id).status


def test_a_leaver_goes_with_devices_and_rooms(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    talk.group(acme, bob, alice, name="Ward 8")
    browser = cast.signed_in(alice)
    plan = browser.get(page("leaver", acme, person=bob.id)).text
    assert "Ward 8" in plan
    record = carried_out(browser, acme, "leaver", LEFT, person=bob.id)

    assert status(bob) == MembershipStatus.ENDED
    assert bob_phone.reload().status == DeviceStatus.REVOKED
    events = run_of(acme)["events"]
    for kind in ("member.ended", "device.revoked", "room.member_removed"):
        assert set(ids_of(acme, kind)) <= set(events), kind
    assert "membership" in record_of(alice, acme, record)
    after = browser.get(page("leaver", acme, person=bob.id)).text
    assert "It is done already" in after
    assert "New job" in after


def test_leaving_twice_is_leaving_once(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    browser, address = cast.signed_in(alice), page("leaver", acme, person=bob.id)
    assert browser.post(address, LEFT).status_code == 302
    before = number_of_events(acme)
    assert "done already" in browser.post(address, LEFT).text
    assert number_of_events(acme) == before


def test_killed_on_the_way_it_leaves_nothing(committed: None) -> None:
    """The membership has ended already when the server dies: it waits for the device."""
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice", Role.OWNER), cast.member(acme, "Bob")
    device = cast.phone(bob)
    before = number_of_events(acme)
    env = environment(
        DATABASE_URL=database_url(),
        REDIS_URL=settings.REDIS_URL,
        SECRET_KEY=settings.SECRET_KEY,
        BASE_URL=settings.BASE_URL,
        DJANGO_SETTINGS_MODULE="semafore.settings",
        DATABASE_POOL_SIZE="0",
    )
    leaver = "tests.console.playbooks.mortal_leaver"
    with cast.inside(acme), transaction.atomic():
        Device.objects.select_for_update().get(id=device.id)
        process = subprocess.Popen(
            [sys.executable, "-m", leaver, str(alice.id), str(bob.id)], env=env, cwd=ROOT
        )
        wait_until_somebody_waits(or_ended=lambda: process.poll() is not None)
        process.kill()
        assert process.wait(timeout=60) == -signal.SIGKILL
    assert status(bob) == MembershipStatus.ACTIVE
    assert device.reload().status == DeviceStatus.APPROVED
    assert number_of_events(acme) == before

    with acting(alice):
        let_go(membership_id=bob.id, reason="New job")
    assert status(bob) == MembershipStatus.ENDED


def test_nobody_ends_their_own_time(acme: Organisation, alice: Membership) -> None:
    cast.member(acme, "Olga", Role.OWNER)
    browser, address = cast.signed_in(alice), page("leaver", acme, person=alice.id)
    assert browser.get(address).context["why_not"]
    assert browser.post(address, LEFT).status_code == 403
    assert status(alice) == MembershipStatus.ACTIVE


def test_a_breached_supplier_is_out_of_everything(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER)
    room = externals.opened(
        alice, olga, bob, guests=[externals.guest(), externals.guest("Gil", externals.GIL)]
    )
    gus = externals.come(alice, acme)
    guest, party = gus.device.membership, room.party
    assert party is not None
    affairs.message(acme, bob_phone.device, room=room, to=(gus.device,))
    browser, address = cast.signed_in(alice), page("supplier_breach", acme, party=party.id)
    plan = browser.get(address)
    assert [one.messages for one in plan.context["access"]] == [1]
    for told in ("Gus", "Gil", room.name):
        assert told in plan.text
    record = carried_out(
        browser, acme, "supplier_breach", {"reason": "Broken into"}, party=party.id
    )

    assert status(guest) == MembershipStatus.ENDED
    assert gus.reload().status == DeviceStatus.REVOKED
    assert externals.now(room).status == RoomStatus.CLOSED
    with cast.inside(acme):
        assert set(Invitation.objects.values_list("state", flat=True)) == {"accepted", "revoked"}
        assert not Room.objects.filter(status=RoomStatus.ACTIVE).exists()
    events = set(run_of(acme)["events"])
    for kind in ("party.cut_off", "room.closed", "invitation.revoked", "member.ended"):
        assert set(ids_of(acme, kind)) <= events, kind
    text = record_of(alice, acme, record)
    assert "cut off" in text
    done = browser.get(address)
    assert "nothing is shared" in done.text
    assert "Gus" in done.text, "what they had access to stays to be seen"
    before = number_of_events(acme)
    assert browser.post(address, {"reason": "Broken into"}).status_code == 422
    assert number_of_events(acme) == before


def test_a_room_that_waits_for_its_approval_is_called_a_request(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = externals.asked(alice, bob).room
    assert room.party is not None
    address = page("supplier_breach", acme, party=room.party.id)

    plan = cast.signed_in(alice).get(address).text
    assert f"Request for the room {room.name}: withdrawn." in plan
    assert "closed, with its threads" not in plan


def test_a_supplier_is_cut_off_once_by_the_service_too(
    acme: Organisation, alice: Membership
) -> None:
    party = affairs.party(acme)
    affairs.guest(acme, "Gus", alice, party)
    with acting(alice):
        cut_off_supplier(party_id=party.id, reason="Broken into")
        with pytest.raises(PlaybookDone):
            cut_off_supplier(party_id=party.id, reason="Broken into")


def test_an_admin_sees_no_traffic_and_reads_the_record(
    acme: Organisation, alice: Membership
) -> None:
    ada = cast.member(acme, "Ada", Role.ADMIN)
    party = affairs.party(acme)
    guest = affairs.guest(acme, "Gus", alice, party)
    affairs.external(acme, alice, guest, company=party)
    plan = cast.signed_in(ada).get(page("supplier_breach", acme, party=party.id))
    assert [one.messages for one in plan.context["access"]] == [None]
    assert "Messages delivered" not in plan.text
    record = carried_out(ada, acme, "supplier_breach", {"reason": "Theft"}, party=party.id)
    assert "Theft" in record_of(ada, acme, record)


def test_what_is_recorded_within_and_not_beyond(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    with acting(alice):
        memberships.edit_membership(membership_id=bob.id, name="Robert", unit="")
        with recorded_within() as events:
            memberships.edit_membership(membership_id=bob.id, name="Bert", unit="")
        memberships.edit_membership(membership_id=bob.id, name="Bob", unit="")
    assert list(map(str, events)) == ids_of(acme, "member.edited")[1:2]
