"""Many at once: senders, new and revoked devices, deliveries, acknowledgements, expiry."""

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from pytest_django import Settings

from audit.models import Event, Pending
from keys.models import Device, DeviceStatus, RevocationReason
from keys.services.revocation import revoke_device
from messaging.errors import DeviceSetMismatch
from messaging.models import Delivery, Envelope, Message, Notice, Outcome, Room
from messaging.selectors.mailbox import drained
from messaging.services.expiry import expire_envelopes
from orgs.models import Membership, Organisation, Policy
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import post, talk

pytestmark = pytest.mark.usefixtures("committed")
LIMIT = 90.0


@pytest.fixture
def acme(committed: None, settings: Settings) -> Organisation:
    """Acme, committed; nobody in it sends too much."""
    settings.MESSAGES_PER_DEVICE_PER_MINUTE = 1_000_000
    acme = cast.organisation("Acme")
    with inside(acme):
        Policy.objects.update(devices_per_member=20)
    return acme


@pytest.fixture
def people(acme: Organisation) -> list[Membership]:
    return [cast.member(acme, name) for name in ("Amara", "Ben", "Chloe", "Dev")]


def report(said: object) -> None:
    """For `pytest -rP`."""
    print(said)  # noqa: T201


@contextmanager
def threads(*works: Callable[[], object]) -> Iterator[None]:
    """Run these beside the block, each on its own connection; their failures are the test's."""

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(run, work) for work in works]
        yield
    for one in running:
        one.result(timeout=LIMIT)


class Sender:
    """A client that knows of devices what refusals told it, and sends until it is stopped."""

    def __init__(self, phone: Phone, room: Room, others: list[Phone]) -> None:
        self.phone = phone
        self.room = room
        self.known = {one.id: one for one in others if one.id != phone.id}
        self.accepted: list[UUID] = []
        self.refused = 0
        self.stop = threading.Event()

    def work(self) -> None:
        while not self.stop.is_set():
            message_id = uuid4()
            while not self.try_once(message_id):
                pass
            self.accepted.append(message_id)
            # The pool is smaller than the crowd: as a request does, hand it back.
            connection.close()

    def try_once(self, message_id: UUID) -> bool:
        to = list(self.known.values())
        try:
            post.say(self.phone, self.room, to, secrets.token_bytes(60), message_id=message_id)
        except DeviceSetMismatch as mismatch:
            self.refused += 1
            self.learn(mismatch)
            return False
        return True

    def learn(self, mismatch: DeviceSetMismatch) -> None:
        missing, extra = mismatch.members["missing"], mismatch.members["extra"]
        assert missing or extra
        for one in extra:
            del self.known[UUID(one)]
        with inside(self.room.organisation):
            for device in Device.objects.filter(id__in=missing):
                self.known[device.id] = Phone(device=device, keys=self.phone.keys)


def order_of(kind: str) -> dict[UUID, int]:
    """Devices by where in the log such an event about them stands."""
    found = {}
    for event_id, place in places().items():
        event = Event.objects.get(id=event_id)
        if json.loads(bytes(event.what or b"{}"))["type"] == kind:
            target = json.loads(bytes(event.who or b"{}"))["target"]
            found[UUID(target["id"])] = place
    return found


def places() -> dict[UUID, int]:
    return dict(Pending.objects.values_list("event_id", "id"))


def check_every_message(of: Organisation) -> Counter[str]:
    """Each message went to exactly the devices that were approved where it stands in the log.

    Approvals and revocations exclude messages, so the log's order is the order of what happened.
    """
    seen: Counter[str] = Counter()
    with inside(of):
        approved, revoked = order_of("device.approved"), order_of("device.revoked")
        at = places()
        reached: dict[UUID, set[UUID]] = {}
        for rows in (Envelope.objects, Delivery.objects):
            for message_id, device_id in rows.values_list("message_id", "device_id"):
                reached.setdefault(message_id, set()).add(device_id)
        for message in Message.objects.all():
            place = at[message.event_id]
            due = {
                device_id
                for device_id, since in approved.items()
                if since < place and not revoked.get(device_id, place) < place
            }
            assert reached[message.id] == due - {message.sender_device_id}
            assert message.envelopes == len(reached[message.id])
            seen[str(len(due))] += 1
    return seen


def test_a_device_that_is_approved_or_revoked_meanwhile_is_in_or_out_never_half(
    acme: Organisation, people: list[Membership]
) -> None:
    phones = [cast.phone(person, one_time_pre_keys=0) for person in people]
    room = talk.group(acme, *people)
    senders = [Sender(phone, room, phones) for phone in phones]
    with threads(*(sender.work for sender in senders)):
        try:
            for number in range(20):
                tablet = cast.phone(people[number % 4], one_time_pre_keys=0)
                wait_for_more(senders, secrets.randbelow(3))
                if number % 3:
                    with inside(acme):
                        revoke_device(device_id=tablet.id, reason=RevocationReason.LOST)
                    wait_for_more(senders, secrets.randbelow(3))
        finally:
            for sender in senders:
                sender.stop.set()
    seen = check_every_message(acme)
    report(f"messages by number of devices: {dict(seen)}")
    assert sum(seen.values()) == sum(len(sender.accepted) for sender in senders)
    assert len(seen) > 1
    assert sum(sender.refused for sender in senders) > 0


def wait_for_more(senders: list[Sender], count: int) -> None:
    """Until so many more messages were accepted."""
    done = sum(len(sender.accepted) for sender in senders)
    deadline = time.monotonic() + LIMIT
    while sum(len(sender.accepted) for sender in senders) < done + count:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_24_busy_senders_do_not_keep_a_revocation_waiting(
    acme: Organisation, people: list[Membership]
) -> None:
    phones = [cast.phone(people[number % 4], one_time_pre_keys=0) for number in range(24)]
    lost = cast.phone(people[0], one_time_pre_keys=0)
    room = talk.group(acme, *people)
    senders = [Sender(phone, room, [*phones, lost]) for phone in phones]
    with threads(*(sender.work for sender in senders)):
        try:
            wait_for_more(senders, 24)
            # It gets through while all of them go on.
            began = time.monotonic()
            with inside(acme):
                revoke_device(device_id=lost.id, reason=RevocationReason.LOST)
            report(f"revoked in {(time.monotonic() - began) * 1000:.0f} ms")
            wait_for_more(senders, 24)
        finally:
            for sender in senders:
                sender.stop.set()
    check_every_message(acme)
    with inside(acme):
        assert not Envelope.objects.filter(device_id=lost.id).exists()
        assert Device.objects.get(id=lost.id).status == DeviceStatus.REVOKED


def test_one_message_sent_by_many_requests_at_once_is_one(
    acme: Organisation, people: list[Membership]
) -> None:
    phones = [cast.phone(person, one_time_pre_keys=0) for person in people]
    room = talk.group(acme, *people)
    message_id = uuid4()
    answers = []
    start = threading.Barrier(8)

    def once() -> None:
        start.wait(timeout=30)
        answers.append(post.say(phones[0], room, phones[1:], b"x", message_id=message_id).receipt)

    with threads(*[once] * 8):
        pass
    assert len(answers) == 8
    assert len(set(answers)) == 1
    with inside(acme):
        assert Message.objects.count() == 1
        assert Envelope.objects.count() == 3


def test_each_envelope_has_one_end_however_many_work_on_it(
    acme: Organisation, people: list[Membership]
) -> None:
    """Two processes' sockets of each device, acks of what they got, and two sweeps."""
    phones = [cast.phone(person, one_time_pre_keys=0) for person in people]
    room = talk.group(acme, *people)
    for _ in range(40):
        post.say(phones[0], room, phones[1:], b"ciphertext")
    acknowledged: list[int] = []
    expired: list[int] = []

    def socket_of(phone: Phone) -> None:
        for _ in range(4):
            serial = post.connect(phone)
            ids = post.taken_ids(phone, serial, handful=1 + secrets.randbelow(8))
            assert len(ids) == len(set(ids))
            acknowledged.append(post.acknowledged(phone, ids[: secrets.randbelow(9)]))

    def sweep() -> None:
        for _ in range(3):
            with inside(acme):
                expired.append(expire_envelopes())

    work = [lambda phone=phone: socket_of(phone) for phone in phones[1:] for _ in range(2)]
    with threads(*work):
        pass
    with clock.moved_by(settings.ENVELOPE_MAX_AGE + timedelta(minutes=1)):
        with threads(sweep, sweep, *work):
            pass
        with inside(acme):
            expired.append(expire_envelopes())
    report((sum(acknowledged), sum(expired)))
    with inside(acme):
        assert not Envelope.objects.exists()
        ends = Counter(Delivery.objects.values_list("outcome", flat=True))
        told = Notice.objects.aggregate(Sum("count"))["count__sum"]
    assert ends[Outcome.DELIVERED] == sum(acknowledged) > 0
    assert ends[Outcome.EXPIRED] == sum(expired) == told
    assert sum(ends.values()) == 40 * 3
    for phone in phones[1:]:
        with post.inside(phone):
            assert drained({phone.id: 1}) == [phone.id]
