"""Looks at scheduled tasks, queues and workers."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from celery import current_app

from semafore.kernel import clock
from semafore.kernel.doctor import Finding, fine, wrong
from semafore.kernel.models import TaskRun
from semafore.kernel.task_runs import queues, schedule, waiting

QUIET: Final = timedelta(minutes=3)
"""Some task is due every ten seconds: after so long none comes."""
LATE: Final = timedelta(minutes=5)
"""Beyond two intervals."""
STUCK: Final = timedelta(minutes=5)
NAMED: Final = 3
"""Names in a line; of the others, how many."""
ANSWER_SECONDS: Final = 1.0

START = "Start celery beat and the workers; their log says why they ended."


def scheduled_tasks() -> Iterator[Finding]:
    """Beat asks for them, a worker runs them, and they end well."""
    due, now = schedule(), clock.now()
    runs = {run.name: run for run in TaskRun.objects.filter(name__in=due)}
    newest = max((moment for run in runs.values() for moment in _moments(run)), default=None)
    if newest is None:
        yield wrong("none has ever run", START)
        return
    if now - newest > QUIET:
        yield wrong(f"none has run for {in_words(now - newest)}", START)
        return
    late = [name for name, run in runs.items() if now - max(_moments(run)) > 2 * due[name] + LATE]
    if late:
        yield wrong(
            f"late: {_named(late)}",
            "The worker is busy or the task hangs: look for its name in the worker's log.",
        )
    failed = [name for name, run in runs.items() if max(_moments(run)) == run.failed_at]
    if failed:
        yield wrong(
            f"failed the last time: {_named(failed)}",
            "Look for the task's name in the worker's log: it says why.",
        )
    if not late and not failed:
        yield fine(f"{len(runs)} of {len(due)} have run, the last {in_words(now - newest)} ago")


def _moments(run: TaskRun) -> list[datetime]:
    return [moment for moment in (run.succeeded_at, run.failed_at) if moment is not None]


def task_queues() -> Iterator[Finding]:
    """Nothing waits for long."""
    found = waiting()
    stuck = {name: queue for name, queue in found.items() if queue.oldest_age > STUCK}
    for name, queue in stuck.items():
        yield wrong(
            f"{queue.length} wait in {name}, the first for {in_words(queue.oldest_age)}",
            f"Start a worker with --queues {name}, or another one beside it.",
        )
    if not stuck:
        yield fine(
            "waiting: " + ", ".join(f"{one.length} in {name}" for name, one in found.items())
        )


def workers() -> Iterator[Finding]:
    """Every queue has a worker that answers."""
    answers = current_app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
    served = {queue["name"] for own in answers.values() for queue in own}
    alone = [name for name in queues() if name not in served]
    if alone:
        yield wrong(
            f"nobody works on {_named(alone)}",
            f"Start: celery --app semafore worker --queues {','.join(alone)}",
        )
    else:
        yield fine(f"{len(answers)} for {', '.join(queues())}")


def _named(names: Iterable[str]) -> str:
    every = sorted(names)
    more = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (f" and {more} more" if more > 0 else "")


def in_words(age: timedelta) -> str:
    """`40 s`, `12 min`, `5 h`, `3 d`."""
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
