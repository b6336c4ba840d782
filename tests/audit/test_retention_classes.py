"""The class table of audit-log.md, row by row: what a sweep leaves of an event, and when."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import merkle
from audit.commitments import part_commitment
from audit.logs import log_of
from audit.models import (
    Checkpoint,
    Content,
    Entry,
    Event,
    IndexedEvent,
    RetentionPeriods,
)
from audit.registry import EventClass
from audit.selectors.expired import STEPS, Cutoffs, Expired, Position, Step
from audit.selectors.tree import inclusion_proof, root_at
from audit.services.recording import Fact, Ref
from audit.tasks import sweep_retention
from keys.events import KeyBundleWithdrawn
from orgs.models import Membership, Organisation
from semafore.kernel import clock, hooks
from semafore.kernel.tenancy import organisation_scope
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
from tests.audit.published import publish

METADATA, AUDIT, EXISTENCE = 10, 30, 50
BOTH, WHAT, NEITHER = {"who", "what"}, {"what"}, set[str]()


@pytest.fixture(autouse=True)
def periods(acme: Organisation) -> None:
    days(acme, METADATA, AUDIT, EXISTENCE)


@pytest.mark.parametrize(
    ("event_class", "age", "parts"),
    [
        (EventClass.ADMINISTRATION, AUDIT - 1, BOTH),
        (EventClass.ADMINISTRATION, AUDIT + 1, NEITHER),
        (EventClass.TRANSIT, METADATA - 1, BOTH),
        (EventClass.TRANSIT, METADATA + 1, WHAT),
        (EventClass.TRANSIT, EXISTENCE - 1, WHAT),
        (EventClass.TRANSIT, EXISTENCE + 1, NEITHER),
        (EventClass.DEVICE_KEYS, 4000, BOTH),
        (EventClass.RETENTION, AUDIT - 1, BOTH),
        (EventClass.RETENTION, AUDIT + 1, WHAT),
        (EventClass.RETENTION, 4000, WHAT),
        (EventClass.LOG, AUDIT - 1, BOTH),
        (EventClass.LOG, AUDIT + 1, WHAT),
        (EventClass.LOG, 4000, WHAT),
        (EventClass.CLAIMS, METADATA - 1, BOTH),
        (EventClass.CLAIMS, METADATA + 1, NEITHER),
    ],
)
def test_the_class_table(
    acme: Organisation, event_class: EventClass, age: int, parts: set[str]
) -> None:
    fact = fact_of_class(event_class, Ref("device", uuid4(), "Phone"))
    (event_id,) = happened(acme, [fact], ago=age * DAY)

    swept(acme)

    assert left(acme, event_id) == parts


def test_class_3_goes_by_the_end_of_the_device_that_it_is_about(
    acme: Organisation, alice: Membership
) -> None:
    ended, other = Ref("device", uuid4(), "Lost"), Ref("device", uuid4(), "New")
    assert ended.id
    assert other.id
    about, of_other = (
        happened(acme, [fact_of_class(3, ref)], ago=AUDIT * DAY)[0] for ref in (ended, other)
    )
    by_itself = happened(
        acme, [Fact(KeyBundleWithdrawn(withdrawn=1))], ago=DAY, by=alice, device=ended.id
    )
    # The device that ended approved the other one: that is of the other's keys.
    for_other = happened(
        acme, [Fact(KeyBundleWithdrawn(withdrawn=2), target=other)], ago=DAY, device=ended.id
    )
    claimed = happened(acme, [fact_of_class(6)], ago=DAY, device=ended.id)

    def ends(payload: hooks.RetentionSweep) -> None:
        payload.ended_devices.add(UUID(str(ended.id)))

    swept(acme)
    assert left(acme, about) == BOTH
    with answering(hooks.retention_sweep, ends):
        swept(acme)

    assert left(acme, about) == left(acme, by_itself[0]) == NEITHER
    assert [left(acme, one) for one in (of_other, for_other[0], claimed[0])] == [BOTH] * 3


def test_the_index_forgets_with_the_part(acme: Organisation, alice: Membership) -> None:
    (event_id,) = happened(acme, [fact_of_class(2)], ago=(METADATA + 1) * DAY, by=alice)
    with organisation_scope(acme.id):
        before = IndexedEvent.objects.get(event_id=event_id)
        assert all((before.actor_kind, before.actor_id, before.actor_member, before.target_id))
        assert all((before.target_kind, before.subject_id, before.room_id, before.address))

    swept(acme)

    with organisation_scope(acme.id):
        after = IndexedEvent.objects.get(event_id=event_id)
    people = {
        "actor_kind": "",
        "actor_id": None,
        "actor_member": None,
        "target_kind": "",
        "target_id": None,
        "subject_id": None,
        "room_id": None,
        "address": "",
        "who_kept": False,
    }
    assert {name: getattr(after, name) for name in people} == people
    assert (after.seq, after.at, after.type) == (before.seq, before.at, "message.accepted")
    assert (after.outcome, after.what_kept) == ("success", True)


def test_contents_live_as_long_as_existence(acme: Organisation) -> None:
    young = happened(acme, [fact_of_class(2)], ago=(EXISTENCE - 1) * DAY, contents=3)
    happened(acme, [fact_of_class(2)], ago=(EXISTENCE + 1) * DAY, contents=2)

    swept(acme)

    with organisation_scope(acme.id):
        assert set(Content.objects.values_list("event_id", flat=True)) == set(young)
        assert Content.objects.count() == 3
    assert records(acme)[0]["rows"]["contents"] == 2


def test_what_is_left_still_proves(acme: Organisation, alice: Membership) -> None:
    """A proof that was made before the sweep holds after it, and new ones can be made."""
    facts = [fact_of_class(number) for number in (1, 2, 2, 4, 6)]
    ids = happened(acme, facts, ago=40 * DAY, by=alice)
    signed, log = publish(acme), log_of(acme.id)
    with organisation_scope(acme.id):
        entries = list(Entry.objects.order_by("seq").values_list("seq", "event_id", "entry"))
        places = {event_id: seq for seq, event_id, _ in entries}
        tree = [bytes(entry) for _, _, entry in entries]
        old = inclusion_proof(log, seq=places[ids[1]], size=signed.size)
        checkpoints = list(Checkpoint.objects.order_by("size").values_list("size", "note"))

    assert swept(acme)
    publish(acme)

    with organisation_scope(acme.id):
        kept = list(Entry.objects.order_by("seq").values_list("seq", "event_id", "entry"))
        assert kept[: len(entries)] == entries
        still = Checkpoint.objects.filter(size__lte=signed.size).order_by("size")
        assert list(still.values_list("size", "note")) == checkpoints
        message = Event.objects.get(id=ids[1])
    assert root_at(log, signed.size) == signed.root == merkle.root(tree)
    assert old == merkle.path(tree, places[ids[1]])
    assert inclusion_proof(log, seq=places[ids[0]], size=signed.size) == merkle.path(
        tree, places[ids[0]]
    )
    # The people are gone, and the fact still opens its commitment.
    opened = part_commitment("what", bytes(message.what_opening or b""), bytes(message.what or b""))
    assert opened == bytes(message.c_what)
    assert json.loads(bytes(message.what or b""))["type"] == "message.accepted"
    assert message.who is None


def test_nobody_elses_events_go(acme: Organisation, globex: Organisation) -> None:
    days(globex, 1000, 1000, 1000)
    (theirs,) = happened(globex, [fact_of_class(1)], ago=500 * DAY)
    (ours,) = happened(acme, [fact_of_class(1)], ago=500 * DAY)

    sweep_retention()

    assert left(globex, theirs) == BOTH
    assert left(acme, ours) == NEITHER
    assert records(acme)
    assert not records(globex)


def test_events_that_wait_for_their_place_are_left_alone(acme: Organisation) -> None:
    with organisation_scope(acme.id):
        waiting = Event.objects.count()
        assert waiting
        assert not IndexedEvent.objects.exists()
    with clock.moved_by(timedelta(days=5000)):
        swept(acme)

    with organisation_scope(acme.id):
        assert Event.objects.count() == waiting


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.event_class}-{step.lives}")
def test_a_batch_reads_what_has_lived_its_time_and_no_more(acme: Organisation, step: Step) -> None:
    """By the index that leads to it: where it goes by time, also in its order, without a sort."""
    happened(acme, [fact_of_class(3, Ref("device", uuid4(), "Phone")) for _ in range(200)], ago=DAY)
    with organisation_scope(acme.id), connection.cursor() as cursor:
        expired = Expired(Cutoffs.of(RetentionPeriods.objects.get()), [], [uuid4()])
        with CaptureQueriesContext(connection) as queries:
            expired.look(step, after=Position(), limit=500)
        cursor.execute("ANALYZE audit_event_index")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + queries[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    read, _, rest = plan.partition("audit_event_index")
    condition = rest.partition("Index Cond")[2].partition("\n")[0]
    if step.lives == "device":
        assert "event_index_by_key_holder" in read
        assert "CASE" in condition
    else:
        assert "event_index_who_kept" in plan
        # Nearly every `what` that is due has outlived its `who`.
        assert ("event_index_who_gone" in plan) is ("who" not in step.parts)
        assert "(at < " in condition
        assert "ROW(at, seq) >" in condition
        assert "Sort" not in rest
