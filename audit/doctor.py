"""The doctor's looks at logs, exports and SIEM destinations."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.files.storage import storages

from audit.selectors.health import log_health
from audit.selectors.service_health import export_health, siem_health
from audit.services.receipts import INCLUDED_WITHIN
from semafore.kernel.doctor import Finding, doubtful, fine, wrong
from semafore.kernel.doctor.machine import folder
from semafore.kernel.doctor.tasks import in_words

UNTAKEN: Final = timedelta(minutes=5)
"""An export that nobody writes by then has no worker."""


def sequencer() -> Iterator[Finding]:
    """Events get their places."""
    health = log_health()
    if health.oldest_pending_age > INCLUDED_WITHIN:
        yield wrong(
            f"an event waits for its place for {in_words(health.oldest_pending_age)}",
            "Start the log process (manage.py audit_log run); if it runs, audit_log status and its "
            "log say which organisation's log stands, and why.",
        )
    else:
        yield fine(f"{health.entries} entries, nothing waits for long")


def signer() -> Iterator[Finding]:
    """Entries get under a checkpoint."""
    health = log_health()
    if health.halted:
        yield wrong(
            f"{health.halted} logs are halted",
            "manage.py audit_log status says why and what to do (docs/log.md).",
        )
    elif health.oldest_unsigned_age > INCLUDED_WITHIN:
        yield wrong(
            f"an entry waits for a checkpoint for {in_words(health.oldest_unsigned_age)}",
            "Start the log process (manage.py audit_log run) with CHECKPOINT_KEYS and its "
            "LOG_STATE_DIR; its log says what it lacks.",
        )
    else:
        yield fine("every entry is signed, or will be at once")


def state_folder() -> Iterator[Finding]:
    """Of the log process alone: other environments have no keys, and needn't write there."""
    if not settings.CHECKPOINT_KEYS:
        yield fine("of the log process alone, which is elsewhere (no CHECKPOINT_KEYS here)")
        return
    yield from folder(settings.LOG_STATE_DIR, "LOG_STATE_DIR")


def export_storage() -> Iterator[Finding]:
    """Files of exports can be written, or their bucket answers."""
    if not settings.EXPORT_STORAGE.bucket:
        yield from folder(settings.EXPORT_STORAGE.directory, "EXPORT_STORAGE")
        return
    try:
        storages["exports"].exists("doctor")
    except Exception as error:  # noqa: BLE001 - whatever the storage of a deployment raises
        yield wrong(
            f"the bucket of EXPORT_STORAGE can't be used ({type(error).__name__})",
            "See EXPORT_STORAGE, EXPORT_S3_ENDPOINT and the keys, and what they may do.",
        )
    else:
        yield fine("the bucket of EXPORT_STORAGE answers")


def exports() -> Iterator[Finding]:
    """Somebody writes them."""
    health = export_health()
    if health.oldest_waiting_age > UNTAKEN:
        yield wrong(
            f"one waits for {in_words(health.oldest_waiting_age)}",
            "Start a worker with --queues exports, or another one: it may be busy with a long one.",
        )
    elif health.failed_lately:
        yield doubtful(
            f"{health.failed_lately} failed within a day",
            'Look for "export" in the log of the worker of exports: it says which and why.',
        )
    else:
        yield fine(f"{sum(health.unfinished.values())} under way")


def siem() -> Iterator[Finding]:
    """Destinations get what they should; their owners were told of those that don't."""
    health = siem_health()
    troubled = {name: number for name, number in health.in_trouble.items() if number}
    if troubled:
        named = ", ".join(f"{number} {name}" for name, number in troubled.items())
        yield doubtful(
            f"in trouble: {named}",
            "Their owners were told, and can mend it. If all are: see that this network lets the "
            "worker out, and that a worker with --queues siem runs.",
        )
    else:
        yield fine(f"{sum(health.destinations.values())} destinations, none in trouble")
