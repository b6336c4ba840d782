"""What a device is told at least once: coalesced while it waits, again on the next connection."""

from datetime import timedelta

import pytest
from django.conf import settings

from keys.models import SignedPreKey
from keys.services.bundles import rotate
from messaging.models import Notice, NoticeKind, Room
from messaging.models import Skip as Skipped
from messaging.selectors.notices import frame_of
from messaging.services.notices import (
    drop_heard_notices,
    post_notices,
    tell_notices,
    untell_notices,
)
from orgs.models import Membership, Organisation
from realtime.models import Connection
from realtime.services import leave_place
from semafore.kernel import clock
from semafore.local.client.uploads import signed_upload
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import post, talk


@pytest.fixture
def room(acme: Organisation, alice: Membership, bob: Membership) -> Room:
    return talk.group(acme, alice, bob)


def told(phone: Phone, serial: int) -> list[Notice]:
    with post.inside(phone):
        return tell_notices({phone.id: serial})


def expire_signed_pre_key(phone: Phone) -> None:
    with post.inside(phone):
        SignedPreKey.objects.filter(device_id=phone.id, superseded_at=None).update(
            uploaded_at=clock.now() - settings.SPK_MAX_AGE - timedelta(minutes=1)
        )


def test_a_notice_is_told_once_a_connection(acme: Organisation, bob_phone: Phone) -> None:
    with inside(acme):
        post_notices(device_ids=[bob_phone.id], kind=NoticeKind.EXPIRED, count=2)
        post_notices(device_ids=[bob_phone.id], kind=NoticeKind.EXPIRED, count=3)
    first = post.connect(bob_phone)
    assert [(one.kind, one.count) for one in told(bob_phone, first)] == [("mailbox.expired", 5)]
    assert told(bob_phone, first) == []
    with inside(acme):
        post_notices(device_ids=[bob_phone.id], kind=NoticeKind.EXPIRED, count=1)
    assert [one.count for one in told(bob_phone, first)] == [1]
    second = post.connect(bob_phone)
    assert [one.count for one in told(bob_phone, second)] == [5, 1]
    # A look of the older connection, still under way.
    assert told(bob_phone, first) == []
    # A look that failed at its end.
    with inside(acme):
        post_notices(device_ids=[bob_phone.id], kind=NoticeKind.EXPIRED, count=1)
        untell_notices({bob_phone.id: second})
    assert [one.count for one in told(bob_phone, second)] == [5, 1, 1]


def test_what_was_told_is_dropped_once_the_socket_held_on(
    acme: Organisation, bob_phone: Phone
) -> None:
    with inside(acme):
        post_notices(device_ids=[bob_phone.id], kind=NoticeKind.MEMBERSHIP_UPDATED)
        serial = post.connect(bob_phone)
        (notice,) = told(bob_phone, serial)
        # By the server's own note: a moment asked for here may come a second later.
        at = notice.told_at
        assert at is not None
        for last_seen, closed_at, dropped in (
            (at, None, 0),
            (at + timedelta(seconds=59), None, 0),
            (at + timedelta(minutes=5), at + timedelta(seconds=30), 0),
            (at, at + timedelta(seconds=61), 1),
        ):
            Connection.objects.update(last_seen=last_seen, closed_at=closed_at)
            assert drop_heard_notices() == dropped
        assert not Notice.objects.exists()


def test_what_waits_is_dropped_after_30_days_only(acme: Organisation, bob_phone: Phone) -> None:
    with inside(acme):
        post_notices(device_ids=[bob_phone.id], kind=NoticeKind.MEMBERSHIP_UPDATED)
        older = post.connect(bob_phone)
        told(bob_phone, older)
        leave_place(device_id=bob_phone.id, serial=older)
        # It was told on another connection than that which holds on.
        post.connect(bob_phone)
        Connection.objects.update(last_seen=clock.now() + timedelta(hours=1))
        assert drop_heard_notices() == 0
        with clock.moved_by(timedelta(days=31)):
            assert drop_heard_notices() == 1


def test_who_had_to_skip_a_device_hears_when_it_can_be_reached(
    acme: Organisation, room: Room, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    laptop = cast.phone(alice, name="Laptop")
    expire_signed_pre_key(bob_phone)
    for _ in range(2):
        accepted = post.say(alice_phone, room, [laptop], b"ciphertext")
        assert list(accepted.skipped) == [bob_phone.id]
    (missed,) = told(bob_phone, 1)
    assert frame_of(missed) == {"type": "mailbox.missed", "room_id": str(room.id), "count": 2}
    assert told(alice_phone, 1) == []

    renew(bob_phone)

    (reachable,) = told(alice_phone, 2)
    assert frame_of(reachable) == {"type": "device.reachable", "device_id": str(bob_phone.id)}
    assert told(laptop, 1) == []
    with inside(acme):
        assert not Skipped.objects.exists()


def renew(phone: Phone) -> None:
    with post.inside(phone):
        rotate(device_id=phone.id, signed_pre_key=signed_upload(phone.keys.rotate_signed_pre_key()))


def test_a_rotation_in_time_tells_nobody(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    with inside(acme):
        Skipped.objects.create(
            organisation_id=acme.id, device_id=bob_phone.id, sender_device_id=alice_phone.id
        )
    renew(bob_phone)
    with inside(acme):
        assert not Notice.objects.exists()
        assert Skipped.objects.exists()
