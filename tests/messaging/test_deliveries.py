"""What became of a message: for its sender, and in the rows that stay."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import (
    Delivery,
    Envelope,
    Environment,
    Notice,
    NoticeKind,
    PushService,
    PushToken,
    Room,
)
from messaging.models import Skip as Skipped
from messaging.services.expiry import expire_envelopes
from messaging.services.notices import post_notices
from messaging.tasks.mailbox import expire_envelopes as expiry_task
from orgs.models import Membership, Organisation
from orgs.services.memberships import end_membership
from semafore.kernel import clock
from semafore.kernel.ids import first_uuid7, uuid7
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import post, talk


@pytest.fixture
def tablet(bob: Membership) -> Phone:
    """Bob's second device."""
    return cast.phone(bob, name="Tablet")


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    return talk.group(acme, alice, bob)


def status(of: Phone, message_id: UUID) -> dict[str, str]:
    answer = of.api._send("GET", f"messages/{message_id}")
    return {one["device_id"]: one["status"] for one in answer["devices"]}


def test_a_sender_sees_what_became_of_each_envelope(
    room: Room, alice: Membership, alice_phone: Phone, bob_phone: Phone, tablet: Phone
) -> None:
    laptop = cast.phone(alice, name="Laptop")
    message_id = uuid4()
    sent = alice_phone.api.send_message(
        room.id, talk.message([bob_phone, tablet, laptop], message_id)
    )
    (one,) = post.mailbox(bob_phone)["envelopes"]
    post.ack(bob_phone, [one["envelope_id"]])
    with inside(alice.organisation):
        revoke_device(device_id=tablet.id, reason=RevocationReason.LOST)

    answer = alice_phone.api._send("GET", f"messages/{message_id}")

    assert answer.keys() == {"accepted_at", "receipt", "devices"}
    assert (answer["accepted_at"], answer["receipt"]) == (sent["accepted_at"], sent["receipt"])
    expected = {
        str(bob_phone.id): "delivered",
        str(tablet.id): "expired",
        str(laptop.id): "waiting",
    }
    assert status(alice_phone, message_id) == expected
    # The same person on another device.
    assert status(laptop, message_id) == expected


def test_a_message_is_its_senders_only(
    room: Room, alice_phone: Phone, bob_phone: Phone, charlie_phone: Phone
) -> None:
    message_id = uuid4()
    alice_phone.api.send_message(room.id, talk.message([bob_phone], message_id))
    bodies = []
    for other, asked in (
        (bob_phone, message_id),
        (charlie_phone, message_id),
        (alice_phone, uuid4()),
    ):
        with pytest.raises(ApiProblem) as refused:
            status(other, asked)
        assert refused.value.status == 404
        bodies.append({**refused.value.body, "request_id": None})
    assert bodies[0] == bodies[1] == bodies[2]


def test_ciphertext_expires_and_its_device_is_told(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone, tablet: Phone
) -> None:
    ids = [uuid4(), uuid4()]
    post.say(alice_phone, room, [bob_phone, tablet], b"ciphertext", message_id=ids[0])
    post.say(alice_phone, room, [bob_phone, tablet], b"ciphertext", message_id=ids[1])
    (first, _) = post.mailbox(tablet)["envelopes"]
    post.ack(tablet, [first["envelope_id"]])
    with inside(acme):
        assert expire_envelopes() == 0

    with clock.moved_by(settings.ENVELOPE_MAX_AGE + timedelta(seconds=5)):
        before = clock.now() - settings.ENVELOPE_MAX_AGE
        assert expiry_task() == 3
        after = clock.now() - settings.ENVELOPE_MAX_AGE
        assert expiry_task() == 0

    assert status(alice_phone, ids[0]) == {
        str(bob_phone.id): "expired",
        str(tablet.id): "delivered",
    }
    assert set(status(alice_phone, ids[1]).values()) == {"expired"}
    with inside(acme):
        assert not Envelope.objects.exists()
        told = {one.device_id: (one.kind, one.count, one.moment) for one in Notice.objects.all()}
    assert {device: words[:2] for device, words in told.items()} == {
        bob_phone.id: ("mailbox.expired", 2),
        tablet.id: ("mailbox.expired", 1),
    }
    for _, _, moment in told.values():
        assert moment is not None
        assert before <= moment <= after


def test_ids_are_in_the_order_of_their_time() -> None:
    before = first_uuid7(clock.now())
    made = uuid7()
    assert before <= made < first_uuid7(clock.now() + timedelta(milliseconds=2))


@pytest.mark.parametrize("how", ["revoked", "ended"])
def test_all_that_waits_for_a_revoked_device_goes_at_once(
    acme: Organisation, room: Room, alice_phone: Phone, bob_phone: Phone, *, how: str
) -> None:
    message_id = uuid4()
    post.say(alice_phone, room, [bob_phone], b"ciphertext", message_id=message_id)
    with inside(acme):
        for device, about in ((bob_phone, alice_phone), (alice_phone, bob_phone)):
            post_notices(device_ids=[device.id], kind=NoticeKind.REACHABLE, about=about.id)
            Skipped.objects.create(
                organisation_id=acme.id, device_id=device.id, sender_device_id=about.id
            )
            PushToken.objects.create(
                organisation_id=acme.id,
                device_id=device.id,
                service=PushService.FCM,
                environment=Environment.PRODUCTION,
                token=b"sealed",
            )
        post_notices(device_ids=[alice_phone.id], kind=NoticeKind.MEMBERSHIP_UPDATED)
        if how == "revoked":
            revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)
        else:
            end_membership(membership_id=bob_phone.device.membership_id, reason="left")
        assert not Envelope.objects.exists()
        assert Delivery.objects.get().outcome == "expired"
        assert [one.kind for one in Notice.objects.all()] == ["membership.updated"]
        assert not Skipped.objects.exists()
        assert PushToken.objects.get().device_id == alice_phone.id
    assert status(alice_phone, message_id) == {str(bob_phone.id): "expired"}


def test_after_delivery_no_ciphertext_is_left_anywhere(
    room: Room, alice_phone: Phone, bob_phone: Phone, tablet: Phone
) -> None:
    planted = b"this ciphertext must be gone, 1f0c9a"
    waits = b"and this one waits, 1f0c9a"
    post.say(alice_phone, room, [bob_phone, tablet], planted, waits)
    assert rows_with(planted) == ["messaging_envelope"]
    for phone in (bob_phone, tablet):
        (one,) = post.mailbox(phone)["envelopes"]
        if phone is bob_phone:
            post.ack(phone, [one["envelope_id"]])
    assert rows_with(planted) == []
    assert rows_with(waits) == ["messaging_envelope"]


def rows_with(planted: bytes) -> list[str]:
    """Tables in which the bytes lie, in whatever column, as they are or in base64 or hex."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f"SELECT count(*) FROM {table} AS one"
                " WHERE position(%s in one::text) > 0 OR position(%s in one::text) > 0",
                [planted.hex(), planted.decode()],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found
