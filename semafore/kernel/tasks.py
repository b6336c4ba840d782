"""The base of scheduled tasks: a lock in the database, each organisation in turn, as the system."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.apps import apps
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.closing import CLOSING
from semafore.kernel.task_runs import note_run
from semafore.kernel.tenancy import current_organisation_id, organisation_scope

logger = logging.getLogger(__name__)

ANSWER_LIFETIME = timedelta(hours=24)

BATCH = 500
"""Rows a batch: small enough that no lock is held over 200 ms (quality.md, Speed)."""


def organisation_ids() -> list[UUID]:
    """Every organisation, oldest first."""
    organisation = apps.get_model("orgs", "Organisation")
    return list(organisation.objects.order_by("created_at").values_list("id", flat=True))


def system_task(name: str) -> Callable[[Callable[[], int]], Any]:
    """A Celery task that runs a sweep in every organisation's scope until each has no more to do.

    The sweep works on one bounded batch, in its own transaction, and returns how many rows it took.
    Sweeps skip rows that others hold, so any number of workers may run the same one. One
    organisation's failure is logged and doesn't keep the others waiting.
    """

    def decorate(sweep: Callable[[], int]) -> Any:
        def run() -> int:
            if not CLOSING.ready():
                return _waited(name)
            total, failed = 0, False
            began = time.perf_counter()
            for organisation_id in organisation_ids():
                with organisation_scope(organisation_id), acting_as(SYSTEM):
                    try:
                        total += drain(sweep)
                    except Exception:
                        failed = True
                        logger.exception("%s failed in organisation %s", name, organisation_id)
            note_run(name, seconds=time.perf_counter() - began, failed=failed)
            return total

        run.__doc__ = sweep.__doc__
        return shared_task(name=name)(run)

    return decorate


def platform_task(name: str) -> Callable[[Callable[[], int]], Any]:
    """Like `system_task`, for rows that belong to no organisation: no scope is entered."""

    def decorate(sweep: Callable[[], int]) -> Any:
        def run() -> int:
            if not CLOSING.ready():
                return _waited(name)
            began, failed = time.perf_counter(), True
            try:
                with acting_as(SYSTEM):
                    total = drain(sweep)
                failed = False
            finally:
                note_run(name, seconds=time.perf_counter() - began, failed=failed)
            return total

        run.__doc__ = sweep.__doc__
        return shared_task(name=name)(run)

    return decorate


def _waited(name: str) -> int:
    """On a restored database a sweep would delete what a hold keeps that was lost with the rest."""
    logger.warning("%s waits: the database was restored, and nobody has looked at it yet", name)
    return 0


def queue_after_commit(task: Any, *ids: UUID) -> None:
    """Hand ids to a worker once the transaction has committed; never raises for a lost Redis.

    Only makes sooner what a scheduled sweep finds by reading rows.
    """
    arguments = [str(one) for one in ids]
    transaction.on_commit(lambda: _queue(task, arguments), robust=True)


def _queue(task: Any, arguments: list[str]) -> None:
    try:
        task.apply_async(arguments, retry=False)
    except OperationalError as error:
        logger.warning("%s waits for its sweep: %s", task.name, error)


def drain(sweep: Callable[[], int]) -> int:
    """Repeat a sweep until a batch comes back that isn't full; the number of rows taken."""
    total = 0
    while True:
        taken = sweep()
        total += taken
        if taken < BATCH:
            return total


def delete_batch(table: str, condition: str, parameters: list[Any]) -> int:
    """Delete up to BATCH rows of a table that nobody else holds; the number deleted.

    `table` and `condition` are code, `parameters` are data.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608
            f"SELECT ctid FROM {table} WHERE {condition} LIMIT {BATCH} FOR UPDATE SKIP LOCKED))",
            parameters,
        )
        return int(cursor.rowcount)


def _drop_idempotent_answers() -> int:
    """Delete answers kept for retries after 24 hours; how many."""
    return delete_batch(
        "kernel_idempotentanswer",
        "organisation_id = %s AND at < %s",
        [current_organisation_id(), clock.now() - ANSWER_LIFETIME],
    )


drop_idempotent_answers = system_task("kernel.drop_idempotent_answers")(_drop_idempotent_answers)
