"""What a sweep writes down: right to the last event, however often it was killed or doubled."""

import base64
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection

from audit.models import Event, IndexedEvent, RetentionPeriods, Sweep
from audit.services.recording import Fact, Ref
from audit.services.retention.holds import place_hold
from audit.services.retention.sweeps import BATCH, preview, sweep_batch
from orgs.events.people import MemberSuspended
from orgs.models import Membership, Organisation
from semafore.kernel import clock, hooks
from semafore.kernel.models import IdempotentAnswer
from semafore.kernel.tenancy import organisation_scope
from semafore.local.servers import ROOT, environment
from tests import cast
from tests.audit.aged import (
    DAY,
    answering,
    days,
    fact_of_class,
    happened,
    left,
    records,
    swept,
)
from tests.cast import inside
from tests.realtime.processes import database_url

MANY = 2 * BATCH + 200


def in_order(of: Organisation, ids: Sequence[UUID]) -> list[tuple[int, UUID]]:
    """Seq and id of these events, as the record's digest takes them: by time, then by seq."""
    with organisation_scope(of.id):
        rows = IndexedEvent.objects.filter(event_id__in=ids).order_by("at", "seq")
        return list(rows.values_list("seq", "event_id"))


def recomputed(event_class: int, part: str, events: Sequence[tuple[int, UUID]]) -> dict[str, Any]:
    """An entry of a record, from what was known before the sweep."""
    digest = bytes(32)
    for _, event_id in events:
        digest = sha256(digest + event_id.bytes).digest()
    seqs = [seq for seq, _ in events]
    return {
        "class": event_class,
        "part": part,
        "first": min(seqs),
        "last": max(seqs),
        "count": len(seqs),
        "digest": base64.b64encode(digest).decode(),
    }


def answers(payload: hooks.RetentionSweep) -> None:
    """An app with rows of its own: answers kept for retries."""
    rows = IdempotentAnswer.objects.filter(caller_id=UUID(int=7), at__lt=payload.metadata_before)
    if payload.batch is None:
        payload.rows["answers"] = rows.count()
    else:
        expired = rows.filter(pk__in=rows.values("pk")[: payload.batch])
        payload.rows["answers"], _ = expired.delete()


def answered(of: Organisation, number: int, *, ago: timedelta) -> None:
    with inside(of):
        IdempotentAnswer.objects.bulk_create(
            IdempotentAnswer(
                organisation_id=of.id,
                caller_id=UUID(int=7),
                key=str(uuid4()),
                request_hash=b"",
                at=clock.now() - ago,
            )
            for _ in range(number)
        )


def test_the_record_says_what_went(acme: Organisation) -> None:
    days(acme, 10, 30, 50)
    first = happened(acme, [fact_of_class(2), fact_of_class(1)], ago=60 * DAY)
    second = happened(acme, [fact_of_class(n) for n in (1, 2, 4, 6, 2)], ago=40 * DAY)
    happened(acme, [fact_of_class(n) for n in (1, 2, 4, 5, 6)], ago=5 * DAY)
    whole = {
        number: in_order(acme, ids)
        for number, ids in {
            1: [first[1], second[0]],
            2: [first[0], second[1], second[4]],
            4: [second[2]],
            6: [second[3]],
        }.items()
    }
    existence_gone = in_order(acme, [first[0]])

    swept(acme)

    (record,) = records(acme)
    assert record["version"] == 1
    assert record["swept"] == [
        recomputed(1, "who", whole[1]),
        recomputed(1, "what", whole[1]),
        recomputed(2, "who", whole[2]),
        recomputed(2, "what", existence_gone),
        recomputed(4, "who", whole[4]),
        recomputed(6, "who", whole[6]),
        recomputed(6, "what", whole[6]),
    ]
    assert record["metadata_before"] > record["audit_before"] > record["existence_before"]


def test_a_sweep_that_deletes_nothing_says_nothing(acme: Organisation) -> None:
    happened(acme, [fact_of_class(1)], ago=DAY)
    with organisation_scope(acme.id):
        before = Event.objects.count()

    assert swept(acme) == 0

    with organisation_scope(acme.id):
        assert Event.objects.count() == before
        assert not Sweep.objects.exists()


def test_the_other_apps_rows_are_in_the_record(acme: Organisation) -> None:
    days(acme, 10, 30, 50)
    answered(acme, MANY, ago=11 * DAY)
    answered(acme, 3, ago=9 * DAY)

    with answering(hooks.retention_sweep, answers):
        with inside(acme):
            assert preview().rows["answers"] == MANY
        swept(acme)

    (record,) = records(acme)
    assert record["rows"]["answers"] == MANY
    with organisation_scope(acme.id):
        assert IdempotentAnswer.objects.count() == 3


def test_a_message_to_very_many_devices_goes_bit_by_bit(
    acme: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.services.retention.sweeps.CONTENTS_BATCH", 4)
    days(acme, 10, 30, 50)
    ids = happened(acme, [fact_of_class(2)] * 3, ago=60 * DAY, contents=5)
    events = in_order(acme, ids)

    with inside(acme):
        assert sweep_batch() == 3 + 4
        assert [left(acme, one) for one in ids] == [{"what"}] * 3
    swept(acme)

    (record,) = records(acme)
    assert record["rows"]["contents"] == 15
    assert record["swept"][1] == recomputed(2, "what", events)


def sweep_until_killed(of: Organisation, batches: int, where: str) -> None:
    env = environment(
        DATABASE_URL=database_url(),
        REDIS_URL=settings.REDIS_URL,
        SECRET_KEY=settings.SECRET_KEY,
        BASE_URL=settings.BASE_URL,
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.audit.mortal_sweeper", str(of.id), str(batches), where],
        env=env,
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL


def test_a_killed_sweep_goes_on_and_its_record_is_whole(committed: None) -> None:
    acme = cast.organisation("Acme")
    days(acme, 10, 30, 50)
    ids = happened(acme, [fact_of_class(1)] * MANY, ago=31 * DAY)
    events = in_order(acme, ids)

    sweep_until_killed(acme, 1, "between")
    with organisation_scope(acme.id):
        assert Event.objects.filter(id__in=ids).count() == MANY - BATCH
        assert not records(acme)
    sweep_until_killed(acme, 0, "within")
    with organisation_scope(acme.id):
        assert Event.objects.filter(id__in=ids).count() == MANY - BATCH
        assert Sweep.objects.get().swept["1.who"]["count"] == BATCH
    swept(acme)

    (record,) = records(acme)
    assert record["swept"] == [recomputed(1, part, events) for part in ("who", "what")]
    with organisation_scope(acme.id):
        assert not Event.objects.filter(id__in=ids).exists()
        assert not Sweep.objects.exists()


def test_two_sweeps_at_once_count_everything_once(committed: None) -> None:
    acme = cast.organisation("Acme")
    days(acme, 10, 30, 50)
    ids = happened(acme, [fact_of_class(1)] * MANY, ago=31 * DAY)
    events = in_order(acme, ids)

    def one(_: int) -> int:
        try:
            return swept(acme)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(one, range(4)))

    assert sum(taken) == MANY
    (record,) = records(acme)
    assert record["swept"] == [recomputed(1, part, events) for part in ("who", "what")]


def test_periods_that_change_meanwhile_end_a_sweep(acme: Organisation) -> None:
    """What went by the old ones is recorded as such; what is left goes by the new ones."""
    days(acme, 10, 30, 50)
    ids = happened(acme, [fact_of_class(1)] * (BATCH + 1), ago=31 * DAY)
    with inside(acme):
        assert sweep_batch() == BATCH
        RetentionPeriods.objects.update(audit_days=40, version=2)

    swept(acme)

    (record,) = records(acme)
    assert record["version"] == 1
    assert record["swept"][0]["count"] == BATCH
    assert sum(left(acme, one) == {"who", "what"} for one in ids) == 1


@pytest.mark.parametrize("held", ["nobody", "a room", "a person", "somebody found by a hook"])
def test_the_preview_counts_what_the_next_sweep_deletes(
    acme: Organisation, bob: Membership, held: str
) -> None:
    days(acme, 10, 30, 50)
    room = Ref("room", uuid4(), "Room 7")
    facts = [fact_of_class(n) for n in (1, 2, 3, 4, 5, 6)]
    facts.append(Fact(MemberSuspended(reason="left"), room=room))
    ids = happened(acme, facts, ago=60 * DAY, contents=2)
    ids += happened(acme, facts, ago=20 * DAY, by=bob, contents=1)

    def found(payload: hooks.EventsConcerning) -> None:
        if bob.id in payload.membership_ids:
            payload.found.update({ids[1], ids[5]} & payload.event_ids)

    with answering(hooks.retention_sweep, answers), inside(acme):
        answered(acme, 5, ago=11 * DAY)
        free = {(one.event_class, one.part): one.count for one in preview().parts}
        if held != "nobody":
            place_hold(
                person=None if held == "a room" else Ref("member", bob.id, "Bob"),
                room=room if held == "a room" else None,
                from_at=None,
                until_at=None,
                reason="case",
                case_reference="",
            )
        if held == "somebody found by a hook":
            with answering(hooks.events_concerning, found):
                counted = preview()
                swept(acme)
        else:
            counted = preview()
            swept(acme)

        (record,) = records(acme)
        assert [(one.event_class, one.part, one.count) for one in counted.parts] == [
            (one["class"], one["part"], one["count"]) for one in record["swept"]
        ]
        assert counted.rows == record["rows"]
        assert counted.rows["answers"] == 5
        fewer = {(one.event_class, one.part): one.count for one in counted.parts}
        assert (fewer == free) == (held == "nobody")
        # Nothing is left, so nothing would go.
        if held != "somebody found by a hook":
            assert preview().parts == []


def test_a_preview_of_other_periods_changes_nothing(acme: Organisation) -> None:
    happened(acme, [fact_of_class(1)], ago=60 * DAY)
    with inside(acme):
        assert preview().parts == []
        wanted = RetentionPeriods(metadata_days=10, audit_days=30, existence_days=50)
        assert [(one.event_class, one.count) for one in preview(wanted).parts] == [(1, 1), (1, 1)]
        assert RetentionPeriods.objects.get().audit_days == 2555
    assert swept(acme) == 0
