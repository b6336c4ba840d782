"""Messages and deliveries, histories and named guests go with their time, but for holds."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import (
    Broadcast,
    Delivery,
    Envelope,
    Message,
    NamedGuest,
    Notice,
    NoticeKind,
    Room,
    RoomMembership,
    RoomRequest,
    ScreenshotReport,
    Skip,
)
from messaging.services import requests
from messaging.services.notices import post_notices
from messaging.services.relay import note_skips
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.invitations.onboarding.acts import acting
from tests.messaging import externals, post, talk
from tests.retention import (
    LATER,
    MUCH_LATER,
    concerned,
    counted,
    foretold,
    hold,
    plans,
    swept,
    taken,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Path) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    return talk.group(acme, alice, bob)


@pytest.fixture
def dans(acme: Organisation) -> Phone:
    """The phone of somebody who is in no room."""
    return cast.phone(cast.member(acme, "Dan"))


def read(room: Room, sender: Phone, *to: Phone) -> UUID:
    """A message that all of them have fetched."""
    message_id = uuid4()
    post.say(sender, room, to, b"x" * 60, message_id=message_id)
    for one in to:
        with inside(room.organisation):
            found = Envelope.objects.filter(device_id=one.id).values_list("envelope_id", flat=True)
            ids = list(found)
        post.acknowledged(one, ids)
    return message_id


def left(of: Organisation) -> set[UUID]:
    """The messages that are there."""
    with inside(of):
        return set(Message.objects.values_list("message_id", flat=True))


def delivered(of: Organisation) -> int:
    with inside(of):
        return Delivery.objects.count()


def test_messages_and_deliveries_go_with_their_time(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    read(room, alice_phone, bob_phone)
    with clock.moved_by(LATER):
        young = read(room, bob_phone, alice_phone)

        assert foretold(acme) == {"messages": 1, "deliveries": 1}
        assert left(acme) == {young}
        assert delivered(acme) == 1


def test_nothing_goes_before_its_time(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    read(room, alice_phone, bob_phone)

    with clock.moved_by(LATER - 2 * DAY):
        assert foretold(acme) == {}


def test_another_organisation_loses_nothing(
    acme: Organisation, globex: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    read(room, alice_phone, bob_phone)

    with clock.moved_by(LATER):
        assert foretold(globex) == {}
        assert len(left(acme)) == 1


def test_a_message_waits_for_its_envelopes_but_its_deliveries_go(
    acme: Organisation, bob: Membership, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    tablet = cast.phone(bob, name="Tablet")
    post.say(alice_phone, room, [bob_phone, tablet], b"x" * 60)
    serial = post.connect(bob_phone)
    post.acknowledged(bob_phone, post.taken_ids(bob_phone, serial))

    with clock.moved_by(LATER):
        assert foretold(acme) == {"deliveries": 1}
        assert post.acknowledged(tablet, post.taken_ids(tablet, post.connect(tablet))) == 1
        assert foretold(acme) == {"deliveries": 1, "messages": 1}


def test_batches_are_no_greater_than_asked_and_take_all(
    acme: Organisation, bob: Membership, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    tablet = cast.phone(bob, name="Tablet")
    for _ in range(5):
        read(room, alice_phone, bob_phone, tablet)

    with clock.moved_by(LATER):
        assert foretold(acme, batch=3) == {"messages": 5, "deliveries": 10}


def test_a_batch_looks_at_the_oldest_messages_alone(
    acme: Organisation, bob: Membership, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    """Searching for one without deliveries would read every message, batch by batch."""
    tablet = cast.phone(bob, name="Tablet")
    old, young = (read(room, alice_phone, bob_phone, tablet) for _ in range(2))
    with inside(acme):
        Delivery.objects.filter(message__message_id=young).delete()

    with clock.moved_by(LATER):
        rows = swept(acme, 1).rows
        assert (rows["deliveries"], rows["messages"]) == (1, 0)
        assert left(acme) == {old, young}
        assert foretold(acme, batch=1) == {"deliveries": 1, "messages": 2}


class TestHolds:
    @pytest.fixture
    def messages(
        self, room: Room, alice_phone: Phone, bob_phone: Phone, dans: Phone, acme: Organisation
    ) -> list[UUID]:
        """From Alice to Bob in the ward, and in another room from Dan to Alice."""
        other = talk.group(acme, dans.device.membership, alice_phone.device.membership)
        return [read(room, alice_phone, bob_phone), read(other, dans, alice_phone)]

    def test_of_a_sender_and_of_a_recipient(
        self, acme: Organisation, bob: Membership, dans: Phone, messages: Sequence[UUID]
    ) -> None:
        with clock.moved_by(LATER):
            both = [hold(bob), hold(dans.device.membership)]
            assert foretold(acme, *both) == {}
            assert foretold(acme, hold(bob)) == {"messages": 1, "deliveries": 1}
            assert left(acme) == {messages[0]}
            assert delivered(acme) == 1

    def test_of_somebody_for_whom_it_waits_or_who_was_left_out(
        self, acme: Organisation, bob: Membership, room: Room, alice_phone: Phone, bob_phone: Phone
    ) -> None:
        laptop = cast.phone(bob, name="Laptop")
        post.say(alice_phone, room, [bob_phone, laptop], b"x" * 60)
        with inside(acme):
            revoke_device(device_id=laptop.id, reason=RevocationReason.LOST)
        with clock.moved_by(LATER):
            names = {"device_names": 1}
            assert counted(acme) == {"deliveries": 1, **names}
            assert counted(acme, hold(bob)) == {}
            with inside(acme):
                Envelope.objects.all().delete()
                Delivery.objects.all().delete()
                assert counted(acme, hold(bob)) == {"messages": 1}
                Message.objects.update(skipped=[bob_phone.id])
            assert counted(acme, hold(bob)) == {}
            assert counted(acme) == {"messages": 1, **names}

    def test_of_a_room(self, acme: Organisation, room: Room, messages: Sequence[UUID]) -> None:
        with clock.moved_by(LATER):
            assert foretold(acme, hold(room=room)) == {"messages": 1, "deliveries": 1}
            assert left(acme) == {messages[0]}

    def test_of_a_period(self, acme: Organisation, messages: Sequence[UUID]) -> None:
        now = clock.now()
        with clock.moved_by(LATER):
            assert counted(acme, hold(from_at=now - DAY)) == {}
            assert counted(acme, hold(until_at=now)) == {}
            assert counted(acme, hold(from_at=now - DAY, until_at=now)) == {}
            assert counted(acme, hold(from_at=now))["messages"] == 2
            assert counted(acme, hold(until_at=now - DAY))["messages"] == 2
            assert counted(acme, hold()) == {}

    def test_all_that_a_hold_names_must_be_true(
        self,
        acme: Organisation,
        alice: Membership,
        dans: Phone,
        room: Room,
        messages: Sequence[UUID],
    ) -> None:
        now = clock.now()
        with clock.moved_by(LATER):
            dan = dans.device.membership
            assert counted(acme, hold(dan, room))["messages"] == 2
            assert counted(acme, hold(alice, room))["messages"] == 1
            assert counted(acme, hold(alice, room, from_at=now))["messages"] == 2
            assert counted(acme, hold(dan, room), hold(alice, room, until_at=now))["messages"] == 1


def test_pairs_go_and_a_devices_own_notices_wait(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone, dans: Phone
) -> None:
    with inside(acme):
        note_skips(sender=alice_phone.id, skipped=[bob_phone.id])
        Notice.objects.create(
            organisation_id=acme.id,
            device=alice_phone.device,
            kind=NoticeKind.REACHABLE,
            about=bob_phone.device,
        )
        post_notices(device_ids=[bob_phone.id], kind=NoticeKind.MISSED, count=1)
    with clock.moved_by(LATER):
        for party in (alice, bob_phone.device.membership):
            assert counted(acme, hold(party)) == {}
        dan = hold(dans.device.membership)
        assert foretold(acme, dan) == {"skips": 1, "notices": 1}
        with inside(acme):
            assert not Skip.objects.exists()
            assert Notice.objects.get().kind == NoticeKind.MISSED


def test_broadcasts_go_after_their_parts(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    broadcast_id = UUID(alice_phone.api._send("POST", "broadcasts")["id"])
    body = talk.message([bob_phone])
    alice_phone.api._send("POST", f"broadcasts/{broadcast_id}/envelopes", body)
    alice_phone.api._send("POST", f"broadcasts/{broadcast_id}/finish")

    with clock.moved_by(MUCH_LATER):
        assert foretold(acme) == {}, "a part waits"
        serial = post.connect(bob_phone)
        assert post.acknowledged(bob_phone, post.taken_ids(bob_phone, serial)) == 1
        assert counted(acme, hold(bob_phone.device.membership)) == {}
        assert counted(acme, hold(alice)) == {}
        assert swept(acme, 1).rows["broadcasts"] == 1, "the last part goes in the same batch"
        with inside(acme):
            assert not Broadcast.objects.exists()
            assert not Message.objects.exists()


def test_screenshot_reports_go_with_the_audit_period(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone, room: Room
) -> None:
    with inside(acme):
        ScreenshotReport.objects.create(
            organisation_id=acme.id,
            room=room,
            membership=bob,
            device=bob_phone.device,
            taken_at=clock.now(),
            platform="ios",
            event_id=uuid4(),
        )
    with clock.moved_by(LATER):
        assert counted(acme) == {}
    with clock.moved_by(MUCH_LATER):
        assert counted(acme, hold(bob)) == counted(acme, hold(room=room)) == {}
        assert foretold(acme, hold(alice)) == {"screenshot_reports": 1}


def test_guests_named_by_a_request_are_forgotten_after_its_decision(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    admin = cast.member(acme, "Dan", Role.ADMIN)
    request = externals.asked(admin, bob)
    with clock.moved_by(LATER):
        assert foretold(acme) == {}, "nobody decided"
        with acting(alice):
            requests.deny_request(request_id=request.id, reason="Gus may not come")
    with clock.moved_by(2 * LATER):
        assert counted(acme, hold(admin)) == counted(acme, hold(room=request.room)) == {}
        assert foretold(acme, hold(bob)) == {"named_guests": 1}
        with inside(acme):
            guest = NamedGuest.objects.get()
            assert (guest.name, guest.phone, guest.email) == ("", "", "")
            assert RoomRequest.objects.get().decision_reason == "Gus may not come"
    with clock.moved_by(LATER + MUCH_LATER):
        assert foretold(acme, hold(admin)) == {}
        assert foretold(acme) == {"room_request_reasons": 1, "room_period_reasons": 1}
        with inside(acme):
            assert not RoomRequest.objects.exclude(reason="", decision_reason="").exists()


def test_reasons_of_ends_go_with_the_audit_period(
    acme: Organisation, alice: Membership, bob: Membership, room: Room
) -> None:
    now = clock.now()
    with inside(acme):
        periods = RoomMembership.objects.filter(membership=bob)
        periods.update(ended_at=now, end_reason="Bob moved to Ward 8")
        Room.objects.update(status="closed", closed_at=now, close_reason="Bob left")
    with clock.moved_by(LATER):
        assert counted(acme) == {}
    with clock.moved_by(MUCH_LATER):
        assert counted(acme, hold(room=room)) == {}
        assert counted(acme, hold(bob)) == {"room_reasons": 1}
        assert foretold(acme) == {"room_reasons": 1, "room_period_reasons": 1}


def test_two_sweeps_at_once_take_each_row_once(committed: None) -> None:
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice", Role.OWNER), cast.member(acme, "Bob")
    sender, to = cast.phone(alice), cast.phone(bob)
    room = talk.group(acme, alice, bob)
    for _ in range(40):
        read(room, sender, to)

    def sweep(_number: int) -> dict[str, int]:
        try:
            return taken(acme, batch=4)
        finally:
            connection.close()

    with clock.moved_by(LATER), ThreadPoolExecutor(2) as pool:
        first, second = pool.map(sweep, range(2))
        rest = taken(acme)

    for name in ("messages", "deliveries"):
        assert sum(one.get(name, 0) for one in (first, second, rest)) == 40
    assert left(acme) == set()


def test_work_is_found_by_indexes(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone
) -> None:
    read(room, alice_phone, bob_phone)
    with clock.moved_by(LATER):
        found, oldest = plans(acme), plans(acme, containing='"accepted_at" ASC LIMIT')

    used = {
        table: next(plan for sql, plan in found.items() if f'FROM "{table}"' in sql)
        for table in (
            "messaging_notice",
            "messaging_skip",
            "messaging_broadcast",
            "messaging_screenshotreport",
            "messaging_namedguest",
            "messaging_roomrequest",
            "messaging_roommembership",
            "messaging_room",
        )
    }
    indexes = {
        "messaging_notice": "notice_about_by_age",
        "messaging_skip": "skip_by_age",
        "messaging_broadcast": "broadcast_by_time",
        "messaging_screenshotreport": "screenshot_report_by_time",
        "messaging_namedguest": "named_guest_to_forget",
        "messaging_roomrequest": "room_request_reasoned",
        "messaging_roommembership": "room_membership_reasoned",
        "messaging_room": "room_reasoned",
    }
    for table, index in indexes.items():
        assert index in used[table], used[table]
    assert oldest
    for plan in oldest.values():
        assert "message_by_age" in plan, plan


def test_events_of_messages_concern_their_recipients(
    acme: Organisation, globex: Organisation, alice_phone: Phone, bob_phone: Phone, dans: Phone
) -> None:
    alice, bob, dan = (one.device.membership for one in (alice_phone, bob_phone, dans))
    room = talk.group(acme, alice, bob)
    other = talk.group(acme, bob, dan)
    read(room, alice_phone, bob_phone)
    post.say(bob_phone, other, [dans], b"x" * 60)
    with inside(acme):
        to_bob, to_dan = Message.objects.order_by("accepted_at").values_list("event_id", flat=True)
        Message.objects.filter(event_id=to_dan).update(skipped=[alice_phone.id])
    events = [to_bob, to_dan, uuid4()]

    assert concerned(acme, events, bob) == {to_bob}
    assert concerned(acme, events, dan) == {to_dan}
    assert concerned(acme, events, alice) == {to_dan}
    assert concerned(acme, events, bob, dan) == {to_bob, to_dan}
    assert concerned(acme, [to_dan], bob) == set()
    assert concerned(globex, events, bob, dan) == set()
