"""Wake-ups: a device without a socket for which something waits gets one push until it comes.

The rows are the truth; a nudge only makes sooner what the sweep finds. An attempt is noted as
failed before the push goes out, and as good once the service has taken it: so each device is tried
by one worker at a time, a worker that dies leaves a failure behind, which is tried again like any
other, and what came in between (another token, the device itself) is not overwritten. The note's
time is the attempt's name: `woken_at = failed_at` is one that has not ended.
"""

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import signature
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import connection, transaction

from audit.services.recording import record
from keys.models import Device, DeviceStatus
from keys.services.bundles import device_ref
from messaging.errors import PushTokenMissing, WakeUpsOff
from messaging.events.devices import DeviceWoken
from messaging.models import Environment, PushService, PushToken
from messaging.push.backends import send
from messaging.push.outcomes import PushError, Target, TokenGoneError
from messaging.selectors.recipients import SEEN_WITHIN
from messaging.selectors.wakeups import ASLEEP, NAMED, SOMETHING_WAITS
from messaging.services.mailbox import PATIENCE, came
from messaging.services.push_tokens import forget_push_token
from orgs.selectors.settings import policy
from orgs.services.memberships import membership_ref
from semafore.kernel import clock, hooks
from semafore.kernel.problems import NotFound
from semafore.kernel.sealing import unseal
from semafore.kernel.tasks import BATCH, queue_after_commit
from semafore.kernel.tenancy import current_organisation_id

logger = logging.getLogger(__name__)

WAKE = "messaging.wake"
"""The task's name (tasks/push.py)."""

FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(minutes=1), timedelta(hours=1)
ABANDONED_AFTER = timedelta(minutes=15)
"""Longer than a whole batch can take: whoever made an attempt that has not ended is dead."""

AT_ONCE = 16
"""Pushes under way of one worker: an answer takes Apple some 50 ms."""

UNFINISHED = "The attempt was not finished."


def nudge(device_ids: Collection[UUID]) -> None:
    """Have these devices woken once the transaction has committed."""
    if device_ids:
        queue_after_commit(signature(WAKE), current_organisation_id(), *device_ids)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A push that is about to go out; nobody else sends one to the device meanwhile."""

    at: datetime
    device_id: UUID
    service: str
    environment: str
    token: bytes
    """Sealed."""


def wake(*, device_ids: Collection[UUID]) -> None:
    """Send these devices a push, but for those that are awake, or were sent one already."""
    _push(_claim(NAMED, device_ids))


def wake_waiting() -> int:
    """Send one batch of the devices for which something waits a push; how many."""
    attempts = _claim(SOMETHING_WAITS)
    _push(attempts)
    return len(attempts)


CLAIM = """
UPDATE messaging_pushtoken AS push
SET woken_at = %(now)s, failed_at = %(now)s, failures = least(push.failures + 1, 1000),
    error = %(unfinished)s
FROM ({due} LIMIT {batch} FOR UPDATE OF push SKIP LOCKED) AS due
WHERE push.device_id = due.device_id
RETURNING push.failed_at, push.device_id, push.service, push.environment, push.token
"""


def _claim(which: str, device_ids: Collection[UUID] = ()) -> list[Attempt]:
    """One statement, and so a transaction of its own, over before the first push goes out."""
    now = clock.now()
    parameters: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "devices": list(device_ids),
        "now": now,
        "seen": now - SEEN_WITHIN,
        "abandoned": ABANDONED_AFTER,
        "first_backoff": FIRST_BACKOFF,
        "longest_backoff": LONGEST_BACKOFF,
        "unfinished": UNFINISHED,
        "patience": PATIENCE,
        "spk_age": settings.SPK_MAX_AGE,
        "warning": settings.SPK_WARNING_PERIOD,
        "expired": now - settings.SPK_MAX_AGE,
        "due": now - settings.SPK_MAX_AGE + settings.SPK_WARNING_PERIOD,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(due=ASLEEP + which, batch=BATCH), parameters)
        return [Attempt(*row) for row in cursor.fetchall()]


def _push(attempts: Sequence[Attempt]) -> None:
    if not attempts:
        return
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(attempts))) as threads:
        for attempt, error in zip(attempts, threads.map(_send, attempts), strict=True):
            _settle(attempt, error)


def _send(attempt: Attempt) -> PushError | None:
    """In a thread that knows no database; one that can't be sent doesn't fail the others."""
    try:
        token = unseal(attempt.token).decode()
        send(Target(PushService(attempt.service), Environment(attempt.environment), token))
    except PushError as error:
        return error
    except InvalidToken:
        return PushError("The token was sealed under a key that is no longer set.")
    except Exception as error:  # noqa: BLE001 - whatever it is, it stays with this one
        # Its words could hold the token.
        logger.error("a push could not be sent: %s", type(error).__name__)  # noqa: TRY400
        return PushError("The push failed on this server.")
    return None


def _settle(attempt: Attempt, error: PushError | None) -> None:
    """Note how it went, unless the token is another, or the attempt, by now.

    A row at a time: a device that comes meanwhile never waits for others' rows.
    """
    own = PushToken.objects.filter(device_id=attempt.device_id, failed_at=attempt.at)
    if error is None:
        own.update(failures=0, failed_at=None, error="")
    elif isinstance(error, TokenGoneError):
        with transaction.atomic():
            token = own.select_for_update().first()
            if token is not None:
                forget_push_token(token, reason=error.reason)
    else:
        own.update(woken_at=None, error=error.reason)


@transaction.atomic
def wake_now(*, device_id: UUID) -> None:
    """Send a device a push although it was sent one, or that failed just now.

    Raises NotFound, WakeUpsOff, PushTokenMissing.
    """
    devices = Device.objects.select_related("membership")
    device = devices.filter(id=device_id, status=DeviceStatus.APPROVED).first()
    if device is None:
        raise NotFound
    if not policy().push_wake_ups:
        raise WakeUpsOff
    due = PushToken.objects.filter(device_id=device_id).update(woken_at=None, failed_at=None)
    if not due:
        raise PushTokenMissing
    record(DeviceWoken(), target=device_ref(device), subject=membership_ref(device.membership))
    nudge([device_id])


def on_socket_connected(connected: hooks.SocketConnected) -> None:
    """The device is awake."""
    came([connected.device_id])
