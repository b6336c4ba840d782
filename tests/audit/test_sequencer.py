"""The sequencer: every committed event once, in its place (audit-log.md)."""

import json
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from audit import merkle
from audit.logs import PLATFORM_LOG, log_of
from audit.models import Checkpoint, Entry, Event, IndexedEvent, Pending
from audit.selectors.tree import consistency_proof, inclusion_proof, root_at, tree_head
from audit.selectors.waiting import logs_that_wait
from audit.services.recording import Fact, record_many, record_platform
from audit.services.sequencer import sequence
from orgs.events.people import AccountCreated, OrganisationCreated
from orgs.models import Membership, Organisation
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.published import publish


def test_events_get_their_places_in_the_order_of_their_rows(alice: Membership) -> None:
    organisation = alice.organisation
    with organisation_scope(organisation.id):
        waiting = list(Pending.objects.order_by("id").values_list("event_id", "entry"))
    assert waiting

    signed = publish(organisation)

    with organisation_scope(organisation.id):
        assert not Pending.objects.exists()
        placed = list(Entry.objects.order_by("seq").values_list("seq", "event_id", "entry"))
        entries = [bytes(entry) for _, _, entry in placed]
        assert [(event, bytes(entry)) for _, event, entry in placed] == [
            (event, bytes(entry)) for event, entry in waiting
        ]
        assert [seq for seq, _, _ in placed] == list(range(len(waiting)))
        assert Checkpoint.objects.get().size == len(waiting)
    assert signed.root == merkle.root(entries)
    assert [inclusion_proof(log_of(organisation.id), seq=0, size=len(entries))] == [
        merkle.path(entries, 0)
    ]


def test_the_index_says_what_the_event_says(alice: Membership) -> None:
    organisation = alice.organisation
    cast.phone(alice)
    publish(organisation)

    with organisation_scope(organisation.id):
        rows = {row.event_id: row for row in IndexedEvent.objects.all()}
        events = list(Event.objects.all())
    assert len(rows) == len(events) > 3
    for event in events:
        row, who, what = rows[event.id], opened(event.who), opened(event.what)
        target = who["target"] or {"kind": "", "id": None}
        assert row.event_class == event.event_class
        assert (row.type, row.outcome) == (what["type"], what["outcome"])
        assert row.at.isoformat().replace("+00:00", "Z")[:19] == what["time"][:19]
        assert (row.actor_kind, row.target_kind) == (who["actor"]["kind"], target["kind"])
        assert str(row.target_id) == str(target["id"])
        assert row.who_kept
        assert row.what_kept


def opened(part: bytes | memoryview | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(part or b""))
    return found


def test_the_platform_has_a_log_of_its_own(db: None) -> None:
    with acting_as(SYSTEM):
        record_platform(AccountCreated(account_id=uuid4()))
    assert PLATFORM_LOG in logs_that_wait()

    signed = publish(None)

    assert signed.origin.endswith("/log/platform")
    assert tree_head(PLATFORM_LOG).size == signed.size == 1
    assert PLATFORM_LOG not in logs_that_wait()


def test_who_waits(acme: Organisation, globex: Organisation) -> None:
    assert set(logs_that_wait()) == {log_of(acme.id), log_of(globex.id)}

    publish(acme)

    assert logs_that_wait() == [log_of(globex.id)]


def test_a_tree_of_some_hundreds_goes_on_from_each_of_its_heads(acme: Organisation) -> None:
    log = log_of(acme.id)
    heads = [publish(acme)]
    for number in (1, 254, 3, 300, 256):
        with acting_as(SYSTEM), organisation_scope(acme.id), transaction.atomic():
            record_many([_fact() for _ in range(number)])
        heads.append(publish(acme))
    with organisation_scope(acme.id):
        entries = [bytes(one.entry) for one in Entry.objects.order_by("seq")]

    for head in heads:
        assert head.root == merkle.root(entries[: head.size]) == root_at(log, head.size)
    assert consistency_proof(log, old_size=heads[1].size, size=heads[-1].size)


def _fact() -> Fact:
    return Fact(OrganisationCreated(name="x", slug="x"))


def test_a_head_that_is_held_is_left_alone(committed: None) -> None:
    acme = cast.organisation("Acme")
    log = log_of(acme.id)
    publish(acme)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT FROM audit_head FOR UPDATE")
            cast.member(acme, "Alice")

            assert sequence(log) == 0

            cursor.execute("COMMIT")
    finally:
        other.close()
    assert sequence(log) > 0
