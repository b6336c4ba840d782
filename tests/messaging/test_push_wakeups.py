"""Wake-ups: one push until the device comes, found by rows, never twice, never under a lock."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from celery.signals import after_task_publish
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from keys.models import RevocationReason
from keys.services.bundles import rotate
from keys.services.revocation import revoke_device
from messaging.errors import PushTokenMissing, WakeUpsOff
from messaging.models import Envelope, PushToken
from messaging.push import file
from messaging.push.outcomes import PushError, Target, TokenGoneError
from messaging.selectors.wakeups import NAMED
from messaging.services import wakeups
from messaging.services.mailbox import acknowledge
from messaging.tasks import push as tasks_push
from orgs.models import Membership, Organisation, Policy
from orgs.services.memberships import suspend_membership
from realtime.models import Connection
from realtime.services import leave_place, take_place
from semafore.kernel import clock, hooks
from semafore.kernel.actor import Actor, ActorKind
from semafore.kernel.problems import NotFound
from semafore.local.client.uploads import signed_upload
from tests import cast
from tests.cast import Phone, events, inside, phone
from tests.messaging import talk

TOKEN = "0a1b2c3d" * 8
DAY = timedelta(days=1)


Send = Callable[..., Any]


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Path) -> None:
    settings.PUSH_BACKEND, settings.PUSH_FILE = "file", str(tmp_path / "push.jsonl")
    (tmp_path / "push.jsonl").touch()


def pushes() -> list[dict[str, Any]]:
    lines = Path(django_settings.PUSH_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def with_token(one: Phone, token: str = TOKEN) -> Phone:
    body = {"platform": "ios", "token": token, "environment": "production"}
    one.api._send("PUT", "push-token", body)
    return one


@pytest.fixture
def send(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> Send:
    """Alice sends to devices of Bob, whose phone has a push token and no socket."""
    with_token(bob_phone)
    room = talk.group(acme, alice, bob)

    def sent(*to: Phone) -> None:
        alice_phone.api.send_message(room.id, talk.message(to))

    return sent


def sweep() -> int:
    return int(tasks_push.wake_waiting.run())


def row(one: Phone) -> PushToken:
    with inside(one.device.organisation):
        return PushToken.objects.get(device_id=one.id)


def came(one: Phone) -> None:
    """It connects, and goes again."""
    with inside(one.device.organisation):
        serial = take_place(device_id=one.id)
        hooks.socket_connected(hooks.SocketConnected(one.id, one.device.membership_id, {}))
        leave_place(device_id=one.id, serial=serial)


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Target], None]) -> Iterator[None]:
    """A push service of the test's own, in the place of the file."""
    with monkeypatch.context() as changed:
        changed.setattr(file, "deliver", answer)
        yield


def failing(error: Exception) -> Callable[[Target], None]:
    def deliver(_target: Target) -> None:
        raise error

    return deliver


@pytest.fixture
def queued() -> Iterator[list[tuple[str, str]]]:
    """What the broker was given for workers: in which queue, with which arguments.

    The queue itself belongs to all tests, and one of them has a worker that empties it.
    """
    found: list[tuple[str, str]] = []

    def note(headers: dict[str, Any], routing_key: str, **_: Any) -> None:
        found.append((routing_key, headers["argsrepr"]))

    after_task_publish.connect(note, sender="messaging.wake")
    yield found
    after_task_publish.disconnect(note, sender="messaging.wake")


def test_what_waits_wakes_once_until_the_device_comes(send: Send, bob_phone: Phone) -> None:
    assert sweep() == 0
    for _ in range(3):
        send(bob_phone)
        sweep()

    (line,) = pushes()
    assert (line["service"], line["to"]) == ("apns", TOKEN)
    came(bob_phone)
    assert sweep() == 1
    assert len(pushes()) == 2


def test_an_acknowledgement_is_a_coming_too(
    acme: Organisation, send: Send, bob_phone: Phone
) -> None:
    send(bob_phone)
    sweep()
    with inside(acme):
        ids = list(Envelope.objects.values_list("envelope_id", flat=True))
        acknowledge(device=Actor(kind=ActorKind.DEVICE, id=bob_phone.id), envelope_ids=ids)
    assert sweep() == 0
    send(bob_phone)
    assert sweep() == 1


def test_a_message_nudges_the_worker_for_who_is_asleep_alone(
    *,
    acme: Organisation,
    bob: Membership,
    send: Send,
    bob_phone: Phone,
    queued: list[tuple[str, str]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    awake, without_token = with_token(phone(bob, name="Laptop")), phone(bob, name="Tablet")
    with inside(acme):
        take_place(device_id=awake.id)
    with django_capture_on_commit_callbacks(execute=True):
        send(bob_phone, awake, without_token)

    assert queued == [("default", f"('{acme.id}', '{bob_phone.id}')")]
    tasks_push.wake.run(str(acme.id), str(bob_phone.id))
    tasks_push.wake.run(str(acme.id), str(bob_phone.id))
    assert len(pushes()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        send(bob_phone, awake, without_token)
    assert len(queued) == 1


def test_a_device_with_a_socket_is_left_alone_while_its_process_lives(
    acme: Organisation, send: Send, bob_phone: Phone
) -> None:
    with inside(acme):
        take_place(device_id=bob_phone.id)
    send(bob_phone)
    assert sweep() == 0
    with inside(acme):
        Connection.objects.update(last_seen=clock.now() - timedelta(minutes=12))
    assert sweep() == 1


def test_an_envelope_that_was_handed_out_in_vain_wakes_nobody(
    acme: Organisation, send: Send, bob_phone: Phone
) -> None:
    send(bob_phone)
    with inside(acme):
        Envelope.objects.update(attempts=5)
    assert sweep() == 0


def _policy_off(acme: Organisation, _bob: Membership, _phone: Phone) -> None:
    Policy.objects.update(push_wake_ups=False)


def _suspended(acme: Organisation, bob: Membership, _phone: Phone) -> None:
    suspend_membership(membership_id=bob.id, reason="leave")


def _revoked(acme: Organisation, _bob: Membership, phone_: Phone) -> None:
    revoke_device(device_id=phone_.id, reason=RevocationReason.LOST)


def _lapsed(acme: Organisation, bob: Membership, _phone: Phone) -> None:
    Membership.objects.filter(id=bob.id).update(ends_at=clock.now())


@pytest.mark.parametrize("forbidding", [_policy_off, _suspended, _revoked, _lapsed])
def test_nobody_is_woken_who_may_not_be(
    acme: Organisation,
    bob: Membership,
    send: Send,
    bob_phone: Phone,
    forbidding: Callable[[Organisation, Membership, Phone], None],
) -> None:
    send(bob_phone)
    with inside(acme):
        forbidding(acme, bob, bob_phone)

    assert sweep() == 0
    tasks_push.wake.run(str(acme.id), str(bob_phone.id))
    assert len(pushes()) == 0


def test_another_organisations_devices_are_not_woken(
    acme: Organisation, globex: Organisation, charlie_phone: Phone
) -> None:
    with_token(charlie_phone)
    tasks_push.wake.run(str(acme.id), str(charlie_phone.id))
    assert len(pushes()) == 0


def test_a_signed_pre_key_that_is_due_wakes_and_so_does_its_expiry(
    acme: Organisation, bob_phone: Phone
) -> None:
    with_token(bob_phone)
    with clock.moved_by(6 * DAY - timedelta(minutes=1)):
        assert sweep() == 0
    with clock.moved_by(6 * DAY + timedelta(minutes=1)):
        assert sweep() == 1
        assert sweep() == 0
        came(bob_phone)
        assert sweep() == 0  # it was told when it came
    with clock.moved_by(7 * DAY + timedelta(minutes=1)):
        assert sweep() == 1
        came(bob_phone)
        with inside(acme):
            fresh = bob_phone.keys.rotate_signed_pre_key(above=100)
            rotate(device_id=bob_phone.id, signed_pre_key=signed_upload(fresh))
        assert sweep() == 0
    assert len(pushes()) == 2


def test_what_fails_is_counted_and_tried_again_ever_later(
    send: Send,
    bob_phone: Phone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(bob_phone)
    with answering(monkeypatch, failing(PushError("Apple's push service answered 503."))):
        assert sweep() == 1
        assert sweep() == 0
        with clock.moved_by(timedelta(seconds=61)):
            assert sweep() == 1
            assert sweep() == 0
        failed = row(bob_phone)
        assert (failed.failures, failed.woken_at) == (2, None)
        assert failed.error == "Apple's push service answered 503."
    with clock.moved_by(timedelta(seconds=122)):
        assert sweep() == 0
    with clock.moved_by(timedelta(seconds=190)):
        assert sweep() == 1
    settled = row(bob_phone)
    assert (settled.failures, settled.failed_at, settled.error) == (0, None, "")
    assert settled.woken_at is not None


def test_the_wait_is_never_longer_than_an_hour(
    acme: Organisation, send: Send, bob_phone: Phone
) -> None:
    send(bob_phone)
    with inside(acme):
        hour_ago = clock.now() - timedelta(minutes=61)
        PushToken.objects.update(failures=1000, failed_at=hour_ago)
    assert sweep() == 1


def test_a_token_that_is_gone_is_removed_as_an_event(
    acme: Organisation,
    send: Send,
    bob_phone: Phone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(bob_phone)
    with answering(monkeypatch, failing(TokenGoneError("Apple no longer knows the token."))):
        sweep()

    with inside(acme):
        assert not PushToken.objects.exists()
    (event,) = events(acme, "push_token.removed")
    assert event["data"] == {"service": "apns", "reason": "Apple no longer knows the token."}


def test_what_comes_in_between_is_not_overwritten(
    acme: Organisation,
    send: Send,
    bob_phone: Phone,
) -> None:
    send(bob_phone)
    with inside(acme):
        (attempt,) = wakeups._claim(NAMED, [bob_phone.id])
        came(bob_phone)
        wakeups._settle(attempt, None)
    assert row(bob_phone).woken_at is None
    with inside(acme):
        (attempt,) = wakeups._claim(NAMED, [bob_phone.id])
    with_token(bob_phone, "ff" * 32)
    with inside(acme):
        wakeups._settle(attempt, TokenGoneError("gone"))
    assert row(bob_phone).failures == 0


def test_a_worker_that_dies_leaves_a_failure_that_is_tried_again(
    acme: Organisation, send: Send, bob_phone: Phone
) -> None:
    send(bob_phone)
    with inside(acme):
        wakeups._claim(NAMED, [bob_phone.id])
    assert row(bob_phone).error == "The attempt was not finished."
    with clock.moved_by(timedelta(minutes=14)):
        assert sweep() == 0
    with clock.moved_by(timedelta(minutes=16)):
        assert sweep() == 1
    assert row(bob_phone).failures == 0


def test_one_that_cannot_be_sent_does_not_fail_the_others(
    bob: Membership,
    send: Send,
    bob_phone: Phone,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unreadable, breaking = phone(bob, name="Laptop"), phone(bob, name="Tablet")
    with_token(unreadable), with_token(breaking, "bb" * 32)
    with inside(bob.organisation):
        PushToken.objects.filter(device_id=unreadable.id).update(token=b"nonsense")
    send(bob_phone, unreadable, breaking)
    write = file.deliver

    def deliver(target: Target) -> None:
        if target.token == "bb" * 32:
            raise RuntimeError(target.token)
        write(target)

    with answering(monkeypatch, deliver):
        assert sweep() == 3

    assert len(pushes()) == 1
    assert "sealed under a key" in row(unreadable).error
    assert row(breaking).error == "The push failed on this server."
    assert "bb" * 32 not in caplog.text


def test_an_administrator_has_a_device_woken_again(
    acme: Organisation,
    alice: Membership,
    bob_phone: Phone,
    queued: list[tuple[str, str]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with_token(bob_phone)
    tasks_push.wake.run(str(acme.id), str(bob_phone.id))
    with inside(acme), django_capture_on_commit_callbacks(execute=True):
        wakeups.wake_now(device_id=bob_phone.id)

    assert queued == [("default", f"('{acme.id}', '{bob_phone.id}')")]
    tasks_push.wake.run(str(acme.id), str(bob_phone.id))
    assert len(pushes()) == 2
    assert len(events(acme, "device.woken")) == 1


def test_what_cannot_be_woken_says_so(
    acme: Organisation, bob: Membership, bob_phone: Phone, charlie_phone: Phone
) -> None:
    pending = phone(bob, name="Laptop", approved=False)
    with inside(acme):
        for nobodys in (UUID(int=7), charlie_phone.id, pending.id):
            with pytest.raises(NotFound):
                wakeups.wake_now(device_id=nobodys)
        with pytest.raises(PushTokenMissing):
            wakeups.wake_now(device_id=bob_phone.id)
        Policy.objects.update(push_wake_ups=False)
        with pytest.raises(WakeUpsOff):
            wakeups.wake_now(device_id=bob_phone.id)
    assert events(acme, "device.woken") == []


def test_no_lock_is_held_while_a_push_is_under_way(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = cast.organisation("Acme")
    one = with_token(phone(cast.member(acme, "Bob")))
    parameters: dict[str, Any] = connection.get_connection_params()
    seen: list[tuple[Any, ...] | None] = []

    def deliver(_target: Target) -> None:
        with psycopg.connect(
            host=parameters["host"],
            port=parameters.get("port"),
            dbname=parameters["dbname"],
            user=parameters["user"],
            password=parameters.get("password"),
        ) as other:
            statement = "SELECT failures FROM messaging_pushtoken FOR UPDATE NOWAIT"
            seen.append(other.execute(statement).fetchone())

    with answering(monkeypatch, deliver):
        tasks_push.wake.run(str(acme.id), str(one.id))

    assert seen == [(1,)]
    assert row(one).failures == 0


def test_of_several_workers_at_once_one_sends(committed: None) -> None:
    acme = cast.organisation("Acme")
    one = with_token(phone(cast.member(acme, "Bob")))
    together = threading.Barrier(4)

    def work(_number: int) -> None:
        try:
            together.wait(timeout=30)
            tasks_push.wake.run(str(acme.id), str(one.id))
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(work, range(4)))

    assert len(pushes()) == 1
