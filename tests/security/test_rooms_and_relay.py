"""What guests, hacked clients and rogue administrators could do with rooms: each was possible."""

import json
import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from pytest_django import Settings

from invitations.sms import file as sms_file
from invitations.sms.messages import Template
from keys.models import RevocationReason, SignedPreKey
from keys.selectors.credentials import credential_of
from keys.services.revocation import revoke_device
from messaging.changes_on_sockets import on_socket_connected, on_sockets_look
from messaging.errors import RequestPending, RoomClosed
from messaging.models import (
    Envelope,
    Environment,
    Notice,
    NoticeKind,
    PushService,
    PushToken,
    RequestStatus,
    Room,
    RoomMembership,
)
from messaging.push import file as push_file
from messaging.push.outcomes import Target
from messaging.services import external as external_rooms
from messaging.services import requests
from messaging.services.broadcasts import finish, send_part, start
from messaging.services.ends import close_due_rooms
from messaging.services.periods import end_periods
from messaging.services.push_tokens import register_push_token
from messaging.services.relay import Upload
from orgs.errors import OwnRequest
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.memberships import (
    admit_member,
    change_role,
    edit_membership,
    end_membership,
    suspend_membership,
)
from semafore.kernel import clock, hooks
from semafore.kernel.problems import NotFound
from tests import cast
from tests.cast import Phone, events, inside, phone
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import acting
from tests.locks import wait_until_somebody_waits
from tests.messaging import post as mail
from tests.messaging import talk
from tests.messaging.calls import external, get, guest, new_group, post, refused
from tests.messaging.externals import (
    GIL,
    GUS,
    approved,
    arrived,
    asked,
    emergency,
    extension_of,
    now,
    people,
    person,
    policy,
)
from tests.messaging.externals import guest as named


@pytest.fixture
def ann(acme: Organisation) -> Membership:
    """A second administrator."""
    return cast.member(acme, "Ann", Role.ADMIN)


def leave(room: Room, person: Membership) -> None:
    """The person's time in the room is over, the membership isn't."""
    with inside(room.organisation):
        period = RoomMembership.objects.select_related("room", "membership").get(
            room=room, membership=person, ended_at=None
        )
        end_periods([period], reason="done")


# Guests


def test_a_guest_goes_when_they_want(acme: Organisation, alice: Membership) -> None:
    """They were told that nobody ends their own membership, and stayed."""
    gus = guest(acme, alice)
    room, gus_phone = external(acme, alice, gus), phone(gus)

    post(gus_phone, f"rooms/{room.id}/leave", key="once")

    with inside(acme):
        gus.refresh_from_db()
    assert gus.status == MembershipStatus.ENDED
    assert gus_phone.reload().status == "revoked"
    (removed,) = events(acme, "room.member_removed")
    assert removed["data"] == {"reason": "Left the room."}


def test_nobody_is_let_in_where_everything_has_ended(
    acme: Organisation, alice: Membership, bob: Membership, settings: Settings, tmp_path: Path
) -> None:
    """Let in between the end and the sweep, a guest was in no room, and so no room's end hers."""
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")
    room = approved(alice, asked(bob)).room
    _, device = arrived(acme)
    with inside(acme):
        Room.objects.filter(id=room.id).update(closes_at=clock.now())

    with pytest.raises(RoomClosed):
        acts.approve(alice, device)
    with inside(acme):
        close_due_rooms()
        assert person(acme, "Gus").status == MembershipStatus.ENDED


def test_a_guest_who_is_taken_out_is_ended_by_who_did_it(
    acme: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    gus = guest(acme, alice)
    room = talk.external(acme, alice, gus)

    alice_phone.api._send("DELETE", f"rooms/{room.id}/members/{gus.id}")

    with inside(acme):
        assert gus.changes.get(status=MembershipStatus.ENDED).by_id == alice.id


def test_who_left_a_room_hears_no_more_of_its_people(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    """Their new devices, names and comings were told to every guest they had ever met."""
    gus = guest(acme, alice)
    former, gus_phone = external(acme, alice, bob, gus), phone(gus)
    external(acme, alice, gus)
    leave(former, gus)
    cursor = get(gus_phone, f"changes?cursor={get(gus_phone, 'changes')['cursor']}")["cursor"]
    connected = hooks.SocketConnected(gus_phone.id, gus.id)
    with inside(acme):
        on_socket_connected(connected)
        later = cast.phone(bob, name="Laptop")
        edit_membership(membership_id=bob.id, name="Robert", unit="Ward 8")
        room = Room.objects.get(id=former.id)
        room.name = "Other repairs"
        room.save(update_fields=["name"])
    leave(former, bob)

    socket = hooks.OpenSocket(
        gus_phone.id, gus.id, 1, ready=True, unsure=False, told=connected.told
    )
    look = hooks.SocketsLook([socket])
    with inside(acme):
        on_sockets_look(look)
    assert look.frames == {}
    page = get(gus_phone, f"changes?cursor={cursor}")
    assert str(later.id) not in json.dumps(page)
    nothing: dict[str, Any] = {"changed": [], "removed": []}
    assert (page["rooms"], page["members"], page["devices"]) == (nothing, nothing, nothing)


def test_a_device_that_one_left_out_is_reachable_for_who_may_write_to_it(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    """A guest heard, after the time in the room, that a member was back."""
    gus = guest(acme, alice)
    former, gus_phone, alice_phone = external(acme, bob, gus), phone(gus), phone(alice)
    external(acme, alice, gus)
    with inside(acme):
        SignedPreKey.objects.filter(device_id=bob_phone.id).update(
            uploaded_at=clock.now() - django_settings.SPK_MAX_AGE - timedelta(minutes=1)
        )
    assert mail.say(gus_phone, former, []).skipped == [bob_phone.id]
    group = talk.group(acme, alice, bob)
    assert mail.say(alice_phone, group, []).skipped == [bob_phone.id]
    leave(former, gus)

    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())

    with inside(acme):
        told = Notice.objects.filter(kind=NoticeKind.REACHABLE)
        assert list(told.values_list("device_id", flat=True)) == [alice_phone.id]


# Hacked clients


def test_a_cursor_of_the_feed_is_none_of_a_list(bob_phone: Phone) -> None:
    """Sealed by the same key, of another shape: it was a fault of ours."""
    cursor = get(bob_phone, "changes")["cursor"]
    for path in ("rooms", "members"):
        with refused(400, "malformed"):
            get(bob_phone, f"{path}?cursor={cursor}")


def test_naming_a_guest_twice_does_not_tell_their_number(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    """Forty-nine numbers a try: an error said that the guest's was among them."""
    gus = guest(acme, alice)
    with inside(acme):
        Membership.objects.filter(id=gus.id).update(phone=GUS)
    drafts = [{"membership_id": str(gus.id)}, {"name": "X", "phone": GUS}]
    terms = {
        "kind": "external",
        "name": "Boiler",
        "purpose": "Repair",
        "party": "Initech",
        "closes_at": clock.rfc3339(clock.now() + timedelta(days=3)),
    }
    other = [drafts[0], {"name": "X", "phone": GIL}]
    post(bob_phone, "rooms", terms | {"guests": drafts})
    post(bob_phone, "rooms", terms | {"guests": other})
    for twice in ([drafts[0]] * 2, [drafts[1]] * 2):
        with refused(422, "room_request_terms"):
            post(bob_phone, "rooms", terms | {"guests": twice})

    with inside(acme):
        counts = [one.requests.get().guests.count() for one in Room.objects.order_by("created_at")]
    assert counts == [1, 2]


def test_a_guest_is_named_as_a_member_like_nobody(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    """Another error told that somebody is here."""
    for hidden in (guest(acme, alice).id, uuid4()):
        with pytest.raises(NotFound):
            asked(bob, member_ids=[hidden])


def test_a_room_has_a_name_of_one_line(bob_phone: Phone) -> None:
    """Whole paragraphs of a stranger's stood in the mail that tells of a room's end."""
    room = new_group(bob_phone, name="Ward 7\r\n\nYour password: https://evil.example")
    assert room["name"] == "Ward 7 Your password: https://evil.example"
    renamed = bob_phone.api._send("PATCH", f"rooms/{room['id']}", {"name": "A\u2028\tB"})
    assert renamed["name"] == "A B"


def test_who_was_taken_out_of_a_room_does_not_come_back_by_its_thread(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    room = talk.group(acme, alice, bob)
    request = asked(alice, bob, parent_id=room.id)
    leave(room, bob)

    approved(cast.member(acme, "Ann", Role.ADMIN), request)

    assert people(request.room) == ["Alice"]


def test_nobody_buries_the_administrators_in_requests(
    bob: Membership, ann: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_rooms, "WAITING_MAX", 2)
    asked(bob), asked(bob)
    with pytest.raises(RequestPending):
        asked(bob)
    asked(ann)


def test_acks_do_not_shoot_down_a_revocation(committed: None) -> None:
    """It held the push token and wanted the envelopes; an ack the other way round: a deadlock."""
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice", Role.OWNER), cast.member(acme, "Bob")
    sender, lost = phone(alice), phone(bob)
    with inside(acme):
        target = Target(PushService.FCM, Environment.PRODUCTION, "token")
        register_push_token(device_id=lost.id, target=target)
    mail.say(sender, talk.group(acme, alice, bob), [lost], b"ciphertext")

    def revoke() -> None:
        with inside(acme):
            revoke_device(device_id=lost.id, reason=RevocationReason.LOST)
        connection.close()

    revocation = threading.Thread(target=revoke)
    with inside(acme):
        with transaction.atomic():
            # As an ack: first the envelopes, then that the device came.
            list(Envelope.objects.select_for_update().filter(device_id=lost.id))
            revocation.start()
            wait_until_somebody_waits(or_ended=lambda: not revocation.is_alive())
            held = PushToken.objects.select_for_update(nowait=True).get()
            assert held.device_id == lost.id
        revocation.join(timeout=60)
        assert not PushToken.objects.exists()
        assert not Envelope.objects.exists()


# Administrators


def test_who_lost_the_role_sends_no_part_more(
    acme: Organisation, ann: Membership, bob_phone: Phone
) -> None:
    """A request that was let in before the demotion, and waited for it, went on."""
    credential = credential_of(phone(ann).reload())
    with acting(ann):
        first, second = start(credential=credential), start(credential=credential)
    with inside(acme):
        change_role(membership_id=ann.id, role=Role.MEMBER)

    upload = Upload(uuid4(), [])
    with acting(ann), pytest.raises(NotFound):
        send_part(credential=credential, broadcast_id=first.id, upload=upload)
    with inside(acme):
        suspend_membership(membership_id=ann.id, reason="inquiry")
    with acting(ann), pytest.raises(NotFound):
        finish(credential=credential, broadcast_id=second.id)


@pytest.mark.parametrize(
    "departs",
    [
        lambda eve: change_role(membership_id=eve.id, role=Role.HELPDESK),
        lambda eve: suspend_membership(membership_id=eve.id, reason="inquiry"),
        lambda eve: end_membership(membership_id=eve.id, reason="fired"),
    ],
)
def test_the_approval_of_who_lost_the_role_does_not_count(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership, departs: Any
) -> None:
    policy(acme, external_room_approvers=2)
    eve = cast.member(acme, "Eve", Role.ADMIN)
    request = asked(bob)
    approved(eve, request)
    with inside(acme):
        departs(eve)

    assert approved(ann, request).status == RequestStatus.PENDING
    page = cast.signed_in(alice).get(f"/console/{acme.slug}/rooms/requests/{request.id}")
    assert "1 of 2: Ann" in page.content.decode()
    assert approved(alice, request).status == RequestStatus.APPROVED


def test_who_left_and_came_back_approves_nothing_of_their_own(
    acme: Organisation, alice: Membership, bob: Membership, ann: Membership
) -> None:
    room = approved(alice, asked(bob)).room
    request = extension_of(ann, room)
    with inside(acme):
        end_membership(membership_id=ann.id, reason="left")
        back = admit_member(
            account=ann.account, name="Ann", role=Role.ADMIN, status=MembershipStatus.ACTIVE
        )

    with pytest.raises(OwnRequest):
        approved(back, request)


def test_emergency_rooms_make_no_chain(
    acme: Organisation, alice: Membership, ann: Membership
) -> None:
    """One opened before the last one closed kept its guests, day after day, by one person alone."""
    policy(acme, emergency_rooms=True, duty_approver=ann.id)
    first = emergency(ann)
    with pytest.raises(RequestPending):
        emergency(ann, guests=[named("Gil", GIL)])
    emergency(ann, party="Hooli", guests=[named("Gil", GIL)])

    with acting(alice):
        requests.deny_request(request_id=first.id, reason="No emergency")
    with pytest.raises(RequestPending):
        emergency(ann)
    # What came of it is not another's to be confirmed: it closes, and its guests go.
    assert now(first.room).emergency


def test_a_confirmed_emergency_room_stands_in_nobodys_way(
    acme: Organisation, alice: Membership, ann: Membership
) -> None:
    policy(acme, emergency_rooms=True, duty_approver=ann.id)
    approved(alice, emergency(ann))
    emergency(ann, guests=[named("Gil", GIL)])


# Who reads what the server writes


@pytest.mark.parametrize("service", ["push", "sms"])
def test_what_stands_for_a_service_is_its_owners_alone(
    service: str, settings: Settings, tmp_path: Path
) -> None:
    """Codes and push tokens stood in files that everybody on the machine could read."""
    outbox = tmp_path / "outbox.jsonl"
    settings.PUSH_FILE = settings.SMS_FILE = str(outbox)
    if service == "push":
        push_file.deliver(Target(PushService.FCM, Environment.PRODUCTION, "token"))
    else:
        sms_file.deliver(GUS, Template.PHONE_CODE, {"code": "123456"})

    assert stat.S_IMODE(outbox.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
