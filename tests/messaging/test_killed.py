"""A process killed in the middle of a send: the message is whole or not there, and can be sent."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import transaction

from audit.models import Content, Event, Pending
from messaging.models import Envelope, Message
from orgs.models import Organisation
from semafore.kernel.tenancy import lock_organisation
from semafore.local.client.wire import JsonObject
from semafore.local.servers import ROOT, environment
from tests import cast
from tests.cast import events, inside
from tests.messaging import talk
from tests.realtime.processes import database_url

ROUNDS = 60
DEVICES = 3


@pytest.fixture
def acme(committed: None) -> Organisation:
    return cast.organisation("Acme")


@pytest.fixture
def server(acme: Organisation) -> Iterator["subprocess.Popen[str]"]:
    env = environment(
        DATABASE_URL=database_url(),
        REDIS_URL=settings.REDIS_URL,
        SECRET_KEY=settings.SECRET_KEY,
        BASE_URL=settings.BASE_URL,
    )
    with subprocess.Popen(
        [sys.executable, "-m", "tests.messaging.mortal"],
        env=env,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_a_message_is_whole_or_not_there_whenever_the_process_is_killed(
    acme: Organisation, server: "subprocess.Popen[str]"
) -> None:
    alice, bob = cast.member(acme, "Alice"), cast.member(acme, "Bob")
    phone = cast.phone(alice)
    others = [cast.phone(bob, name=f"Phone {count}") for count in range(DEVICES)]
    room = talk.group(acme, alice, bob)

    def serve(body: JsonObject, lives: float | None) -> float | None:
        job = {"token": phone.api.token(), "room": str(room.id), "body": body, "lives": lives}
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(job) + "\n")
        server.stdin.flush()
        took: float | None = json.loads(server.stdout.readline())
        return took

    normal = sorted(serve(talk.message(others), None) or 0.0 for _ in range(5))[2]
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        message_id = uuid4()
        body = talk.message(others, message_id)
        took = serve(body, normal * 1.3 * number / ROUNDS)
        receipt = whole(acme, message_id)
        seen[f"{'killed' if took is None else 'answered'}, {'whole' if receipt else 'none'}"] += 1
        assert took is None or receipt
        # Another encryption of the same: what was accepted stays.
        answer = phone.api.send_message(room.id, talk.message(others, message_id))
        assert receipt in {None, answer["receipt"]}
        assert whole(acme, message_id) == answer["receipt"]
    print(f"{normal * 1000:.0f} ms a message: {dict(seen)}")  # noqa: T201 - for pytest -rP
    assert seen["killed, none"] > 0
    with inside(acme):
        # No event, no entry to be, no hash of a message that is not there.
        assert Message.objects.count() == ROUNDS + 5
        assert Envelope.objects.count() == Content.objects.count() == (ROUNDS + 5) * DEVICES
        assert len(events(acme, "message.accepted")) == ROUNDS + 5
        assert set(Pending.objects.values_list("event_id", flat=True)) == set(
            Event.objects.values_list("id", flat=True)
        )


def whole(acme: Organisation, message_id: UUID) -> str | None:
    """The receipt of a message with all that belongs to it; None if nothing does."""
    with inside(acme), transaction.atomic():
        # Whatever the killed process had begun is over once nobody holds this.
        lock_organisation()
        message = Message.objects.filter(message_id=message_id).first()
        if message is None:
            return None
        assert Envelope.objects.filter(message=message).count() == DEVICES
        assert Content.objects.filter(event_id=message.event_id).count() == DEVICES
        assert Event.objects.filter(id=message.event_id).count() == 1
        assert Pending.objects.filter(event_id=message.event_id).count() == 1
        return message.receipt
