"""Senders on a database that a test stops and kills: called by `manage.py shell`."""

import json
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

from django.db import connection

from audit.models import Content, Event, Pending
from messaging.models import Envelope, Message, Room
from orgs.models import Organisation
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import talk

SENDERS = 4


class Senders:
    """Each message is sent until it is accepted, whatever the server says meanwhile.

    And one after the other until the test has ended the input: so none of its breaks comes late.
    """

    def __init__(self) -> None:
        self.acme = cast.organisation("Acme")
        people = [cast.member(self.acme, f"Person {count}") for count in range(SENDERS)]
        self.phones = [cast.phone(person, one_time_pre_keys=0) for person in people]
        self.room = talk.group(self.acme, *people)
        self.receipts: dict[UUID, str] = {}
        self.failures: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.enough = threading.Event()

    def work(self, phone: Phone) -> None:
        others = [one for one in self.phones if one is not phone]
        try:
            while not self.enough.is_set():
                self.send(phone, others, uuid4())
        finally:
            # Of one that fails the others hear too.
            self.enough.set()
            connection.close()

    def listen(self) -> None:
        sys.stdin.read()
        self.enough.set()

    def send(self, phone: Phone, others: list[Phone], message_id: UUID) -> None:
        receipt = None
        while receipt is None:
            try:
                body = talk.message(others, message_id)
                receipt = phone.api.send_message(self.room.id, body)["receipt"]
            except ApiProblem as problem:
                with self.lock:
                    self.failures[problem.code] += 1
        with self.lock:
            self.receipts[message_id] = receipt
            print(json.dumps({"accepted": len(self.receipts)}), flush=True)  # noqa: T201


def run() -> None:
    """Prints each acceptance, at last what is there and what the failures were."""
    senders = Senders()
    threading.Thread(target=senders.listen, daemon=True).start()
    with ThreadPoolExecutor(SENDERS) as pool:
        for one in [pool.submit(senders.work, phone) for phone in senders.phones]:
            one.result()
    # This thread's own has seen the server stop.
    connection.close()
    found = there(senders.acme, senders.room, senders.receipts)
    print(json.dumps(found | {"failures": senders.failures}), flush=True)  # noqa: T201


def there(acme: Organisation, room: Room, receipts: dict[UUID, str]) -> dict[str, int]:
    with inside(acme):
        messages = dict(Message.objects.filter(room=room).values_list("message_id", "receipt"))
        logged = set(Pending.objects.values_list("event_id", flat=True))
        return {
            "as_promised": sum(messages.get(one) == said for one, said in receipts.items()),
            "messages": len(messages),
            "envelopes": Envelope.objects.count(),
            "contents": Content.objects.count(),
            "unlogged": sum(one.id not in logged for one in Event.objects.all()),
        }
