"""Tasks in the log: a line each, with the id of the request that asked for it.

Celery's own lines are off: they quote a task's arguments and the words of its exception.
"""

import logging
import time
from typing import Any

from celery import signals

from semafore.kernel.logs import ACCESS, request_id_var, task_var, this_process_is

logger = logging.getLogger(ACCESS)

REQUEST_ID, SENT_AT = "request_id", "semafore_sent_at"
"""Headers of a task's message; the second is the time of sending, in seconds since 1970."""


@signals.setup_logging.connect(weak=False)
def _leave_logging_alone(**_: Any) -> None:
    """Where somebody hears this, Celery sets up no logging: settings.LOGGING has."""


@signals.worker_init.connect(weak=False)
def _is_worker(**_: Any) -> None:
    this_process_is("worker")


@signals.beat_init.connect(weak=False)
def _is_beat(**_: Any) -> None:
    this_process_is("beat")


@signals.before_task_publish.connect(weak=False)
def _send_along(headers: dict[str, Any], **_: Any) -> None:
    headers[SENT_AT] = time.time()
    if (request_id := request_id_var.get()) != "-":
        headers[REQUEST_ID] = request_id


@signals.task_prerun.connect(weak=False)
def _begin(task_id: str, task: Any, **_: Any) -> None:
    request_id_var.set(task.request.get(REQUEST_ID) or "-")
    task_var.set((task.name, task_id))
    task.request.began = time.perf_counter()


@signals.task_postrun.connect(weak=False)
def _end(**_: Any) -> None:
    request_id_var.set("-")
    task_var.set(None)


@signals.task_success.connect(weak=False)
def _succeeded(sender: Any, **_: Any) -> None:
    logger.info("task", extra=_outcome(sender, "succeeded"))


@signals.task_retry.connect(weak=False)
def _tried_again(sender: Any, reason: Any, **_: Any) -> None:
    # What went wrong stands behind it: its own `exc` may be Celery's stand-in, to be pickled.
    logger.warning(
        "task is tried again: %s", reason.__context__ or reason, extra=_outcome(sender, "retried")
    )


@signals.task_failure.connect(weak=False)
def _failed(sender: Any, exception: BaseException, **_: Any) -> None:
    logger.error("task", exc_info=exception, extra=_outcome(sender, "failed"))


def _outcome(task: Any, outcome: str) -> dict[str, Any]:
    # A task that can't even begin, because its worker died, has no beginning.
    began = task.request.get("began")
    took = {} if began is None else {"milliseconds": round((time.perf_counter() - began) * 1000, 1)}
    return {"outcome": outcome, **took}
