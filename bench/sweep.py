"""Retention: how long a batch of a sweep holds its locks, and how many parts and rows go."""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from bench.deployment import deployment
from bench.report import Bar, middle, show

LONGEST_MS = 200
AT_A_TIME = 5000
DAY = timedelta(days=1)


def main() -> int:
    """Measures and prints; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__)
    parser.add_argument("--parts", type=int, default=100_000, help="expired parts (100000)")
    parser.add_argument("--messages", type=int, default=100_000, help="expired rows (100000)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    with deployment() as made:
        from bench import data

        organisation_id = data.organisation()
        # Half of the parts are people in messages, half are events that go whole, of two parts.
        _fill(organisation_id, messages=given.parts // 2, others=given.parts // 4)
        _fill_messages(organisation_id, number=given.messages)
        made.settle()
        began = time.perf_counter()
        parts, rows = _preview(organisation_id)
        preview_ms = 1000 * (time.perf_counter() - began)
        batches = list(_sweep(organisation_id))
    taken = [1000 * seconds for seconds in batches]
    figures = {
        "parts": parts,
        "rows": rows,
        "batches": len(taken),
        "preview_ms": preview_ms,
        "median_batch_ms": middle(taken),
        "parts_and_rows_a_second": 1000 * (parts + rows) / sum(taken),
    }
    bars = [Bar("longest batch", max(taken), LONGEST_MS, most=True, unit=" ms", places=1)]
    return show("sweep", figures, bars, as_json=given.json)


def _fill(organisation_id: UUID, *, messages: int, others: int) -> None:
    """Events that have lived their time, and as many that haven't."""
    from django.db import transaction

    from audit.logs import log_of
    from audit.models import RetentionPeriods
    from audit.services.contents import content_root, note_contents
    from audit.services.recording import Fact, Ref, record_many
    from audit.services.sequencer import sequence
    from messaging.events.messages import MessageAccepted
    from orgs.events.people import MemberSuspended
    from semafore.kernel import clock
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.ids import uuid7
    from semafore.kernel.tenancy import organisation_scope

    room, person = Ref("room", uuid7(), "Room"), Ref("member", uuid7(), "Person")
    root = content_root([bytes(32)])

    def message() -> Fact:
        what = MessageAccepted(
            message_id=uuid7(),
            content_root=root,
            envelopes=1,
            skipped=0,
            total_bytes=600,
            commitment=None,
        )
        return Fact(what, room=room, recipients_root=root)

    with acting_as(SYSTEM), organisation_scope(organisation_id):
        RetentionPeriods.objects.update(metadata_days=10, audit_days=30, existence_days=50)
        for days in (40, 1):
            facts = [message() for _ in range(messages)]
            facts += [Fact(MemberSuspended(reason="left"), target=person) for _ in range(others)]
            with clock.moved_by(-days * DAY):
                for start in range(0, len(facts), AT_A_TIME):
                    with transaction.atomic():
                        for one in record_many(facts[start : start + AT_A_TIME]):
                            note_contents(event_id=one.event_id, hashes=[bytes(32)])
        while sequence(log_of(organisation_id)):
            pass


MESSAGES = """
INSERT INTO messaging_message (id, organisation_id, message_id, room_id, sender_id,
    sender_device_id, accepted_at, envelopes, size, skipped, event_id, receipt)
SELECT gen_random_uuid(), %(organisation)s, gen_random_uuid(), %(room)s, %(person)s, %(device)s,
    %(now)s - CASE WHEN number %% 2 = 0 THEN interval '40 days' ELSE interval '1 day' END
        + number * interval '1 ms',
    2, 1200, '{}', gen_random_uuid(), ''
FROM generate_series(1, %(number)s) AS number
"""

DELIVERIES = """
INSERT INTO messaging_delivery (organisation_id, message_id, device_id, outcome, at)
SELECT %(organisation)s, message.id, device.id, 'delivered', message.accepted_at
FROM messaging_message AS message CROSS JOIN unnest(%(devices)s::uuid[]) AS device (id)
WHERE message.organisation_id = %(organisation)s
"""


def _fill_messages(organisation_id: UUID, *, number: int) -> None:
    """So many messages that have lived their time, as many that haven't, two deliveries each."""
    from django.db import connection

    from bench import data
    from messaging.models import Room, RoomKind
    from semafore.kernel import clock
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.tenancy import organisation_scope

    sender, *others = data.devices(organisation_id, 3, one_time_pre_keys=0)
    with acting_as(SYSTEM), organisation_scope(organisation_id):
        room = Room.objects.create(
            organisation_id=organisation_id,
            kind=RoomKind.GROUP,
            name="Room",
            created_by_id=sender.membership_id,
        )
        named: dict[str, Any] = {
            "organisation": organisation_id,
            "room": room.id,
            "person": sender.membership_id,
            "device": sender.id,
            "devices": [one.id for one in others],
            "now": clock.now(),
            "number": 2 * number,
        }
        with connection.cursor() as cursor:
            cursor.execute(MESSAGES, named)
            cursor.execute(DELIVERIES, named)


def _preview(organisation_id: UUID) -> tuple[int, int]:
    """Parts and other rows."""
    from audit.services.retention.sweeps import preview
    from semafore.kernel.tenancy import organisation_scope

    with organisation_scope(organisation_id):
        told = preview()
        return sum(one.count for one in told.parts), sum(told.rows.values())


def _sweep(organisation_id: UUID) -> Iterator[float]:
    """Seconds of each batch, its commit included: so long are its locks held."""
    from audit.services.retention.sweeps import sweep_batch
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.tenancy import organisation_scope

    with acting_as(SYSTEM), organisation_scope(organisation_id):
        going = True
        while going:
            began = time.perf_counter()
            going = sweep_batch() is not None
            yield time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
