"""What the database refuses even on retention's own path: to change what it may only forget."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import errors

from orgs.models import Membership, Organisation
from tests.audit.aged import DAY, fact_of_class, happened

FORGETS = (
    "who_kept = false, actor_kind = '', actor_id = NULL, actor_member = NULL, target_kind = '',"
    " target_id = NULL, subject_id = NULL, room_id = NULL, address = ''"
)
CHANGES = [
    "type = 'member.ended'",
    "outcome = 'denied'",
    "at = at - interval '1 year'",
    "event_class = 5",
    "seq = seq + 1000",
    "event_id = gen_random_uuid()",
    "actor_id = gen_random_uuid()",
    "who_kept = false",
    "what_kept = false",
    f"{FORGETS}, type = 'member.ended'",
    f"{FORGETS}, what_kept = false",
    FORGETS.replace("room_id = NULL, ", ""),
    FORGETS.replace("address = ''", "address = '198.51.100.1'"),
]
KEPT = ("audit_entry", "audit_checkpoint", "audit_tile", "audit_head")


@pytest.fixture(autouse=True)
def some_events(acme: Organisation, alice: Membership) -> Iterator[None]:
    happened(acme, [fact_of_class(2)], ago=DAY, by=alice)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL semafore.retention = 'on'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'off'")


def run(sql: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)


def refused(sql: str) -> bool:
    with pytest.raises(DatabaseError) as caught:
        run(sql)
    return isinstance(caught.value.__cause__, errors.InsufficientPrivilege)


@pytest.mark.parametrize("change", CHANGES)
def test_the_index_forgets_people_and_changes_nothing(change: str) -> None:
    assert refused(f"UPDATE audit_event_index SET {change} WHERE type = 'message.accepted'")


def test_the_index_forgets_people() -> None:
    assert run(f"UPDATE audit_event_index SET {FORGETS}") > 0
    assert run("DELETE FROM audit_event_index") > 0


@pytest.mark.parametrize("table", KEPT)
def test_retention_has_no_say_over_the_log_itself(table: str) -> None:
    assert refused(f"DELETE FROM {table}")
    assert refused(f"UPDATE {table} SET organisation_id = '{uuid4()}'")
