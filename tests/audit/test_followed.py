"""A program that follows the log while it is written: every event once, in its order."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from audit.logs import log_of
from audit.models import Event, IndexedEvent, Pending
from audit.services.recording import Fact, record_many
from audit.services.sequencer import sequence
from orgs.models import Organisation
from tests import cast
from tests.audit.aged import fact_of_class
from tests.audit.programs import ask, issue
from tests.cast import inside

WRITERS = 6
TRANSACTIONS = 60
"""Of each writer: a third rolls back, a third takes much longer than the others."""


@pytest.fixture
def acme(committed: None, settings: Settings) -> Organisation:
    settings.SERVICE_REQUESTS_PER_MINUTE = 1_000_000
    return cast.organisation("Acme")


class Writers:
    """Record in transactions that end in another order than they began in."""

    def __init__(self, acme: Organisation) -> None:
        self.acme = acme
        self.committed: set[UUID] = set()
        self.rolled_back: set[UUID] = set()

    def work(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - the same each time
        try:
            with inside(self.acme):
                for _ in range(TRANSACTIONS):
                    self._transaction(chance)
        finally:
            connection.close()

    def _transaction(self, chance: random.Random) -> None:
        fails, lasts = chance.random() < 0.3, chance.random() < 0.3
        ids: set[UUID] = set()
        with suppress(ZeroDivisionError), transaction.atomic():
            for _ in range(3):
                facts: list[Fact] = [fact_of_class(1) for _ in range(chance.randint(1, 9))]
                ids |= {one.event_id for one in record_many(facts)}
                if lasts:
                    self._stay_open()
            if fails:
                raise ZeroDivisionError
        (self.rolled_back if fails else self.committed).update(ids)

    @staticmethod
    def _stay_open() -> None:
        """While others commit theirs, whose rows were written later."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.02)")


@contextmanager
def sequencers(acme: Organisation, pool: ThreadPoolExecutor) -> Iterator[None]:
    """Two of them at the log all the while, and until nothing waits."""
    stop, log = threading.Event(), log_of(acme.id)

    def run() -> None:
        try:
            while not stop.is_set():
                if not sequence(log):
                    stop.wait(0.002)
            while sequence(log):
                pass
        finally:
            connection.close()

    running: list[Future[None]] = [pool.submit(run) for _ in range(2)]
    try:
        yield
    finally:
        stop.set()
        for one in running:
            one.result(timeout=120)


@pytest.mark.parametrize("given", [{}, {"action": "member.suspended"}], ids=["all", "filtered"])
def test_who_follows_misses_none_and_sees_none_twice(
    acme: Organisation, given: dict[str, str]
) -> None:
    token, writers = issue(acme).token, Writers(acme)
    seen: list[dict[str, Any]] = []
    cursors: dict[str, str] = {}

    def follow() -> int:
        answer = ask(token, f"events?{urlencode({'limit': 20, **given, **cursors})}")
        assert answer.status_code == 200, answer.content
        body = answer.json()
        seen.extend(body["results"])
        cursors["cursor"] = body["next"]
        return len(body["results"])

    with ThreadPoolExecutor(WRITERS + 2) as pool:
        with sequencers(acme, pool):
            writing = [pool.submit(writers.work, seed) for seed in range(WRITERS)]
            while not all(one.done() for one in writing):
                follow()
            while_written = len(seen)
            # However fast it was followed, this one comes after.
            with inside(acme), transaction.atomic():
                writers.committed |= {one.event_id for one in record_many([fact_of_class(1)])}
            for one in writing:
                one.result()
        while follow():
            pass

    with inside(acme):
        assert sequence(log_of(acme.id)) >= 0
        rows = list(IndexedEvent.objects.order_by("seq").values_list("seq", "event_id", "type"))
        written = set(Event.objects.values_list("id", flat=True))
        by_outbox = {row.event_id for row in Pending.objects.all()}
    last = seen[-1]["seq"]
    expected = [
        (seq, str(event_id))
        for seq, event_id, kind in rows
        if seq <= last and kind == given.get("action", kind)
    ]
    assert [(one["seq"], one["id"]) for one in seen] == expected
    ids = {UUID(one["id"]) for one in seen}
    assert writers.committed <= ids
    assert not writers.rolled_back & (ids | written)
    assert writers.rolled_back
    assert not by_outbox & ids
    # It was followed while it grew, and places aren't in the order in which events began.
    assert 0 < while_written < len(seen)
    assert [one["id"] for one in seen] != sorted(one["id"] for one in seen)
