"""Envelopes that nobody will fetch: too old, or of a device that was revoked."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from messaging.models import NoticeKind, Outcome
from messaging.services.notices import post_notices
from semafore.kernel import clock, hooks
from semafore.kernel.ids import first_uuid7
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import current_organisation_id, lock_organisation

# The ids of envelopes are in the order of their time (kernel/ids.py), and have an index.
EXPIRE = f"""
WITH held AS (
    SELECT position FROM messaging_envelope
    WHERE organisation_id = %(organisation)s AND envelope_id < %(first_kept)s
    ORDER BY envelope_id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM messaging_envelope WHERE position IN (SELECT position FROM held)
    RETURNING device_id, message_id
), noted AS (
    INSERT INTO messaging_delivery (organisation_id, message_id, device_id, outcome, at)
    SELECT %(organisation)s, message_id, device_id, %(outcome)s, %(at)s FROM gone
)
SELECT device_id, count(*) FROM gone GROUP BY device_id
"""  # noqa: S608 - a constant of ours


@transaction.atomic
def expire_envelopes() -> int:
    """Delete ciphertext past ENVELOPE_MAX_AGE, and have its devices told; how many envelopes.

    Beside no revocation: what the two delete and write, they would in another order.
    """
    lock_organisation(shared=True)
    now = clock.now()
    before = now - settings.ENVELOPE_MAX_AGE
    with connection.cursor() as cursor:
        cursor.execute(
            EXPIRE,
            {
                "organisation": current_organisation_id(),
                "first_kept": first_uuid7(before),
                "outcome": Outcome.EXPIRED,
                "at": now,
            },
        )
        counts: dict[UUID, int] = dict(cursor.fetchall())
    _tell(counts, before)
    return sum(counts.values())


def _tell(counts: dict[UUID, int], before: datetime) -> None:
    by_count: defaultdict[int, list[UUID]] = defaultdict(list)
    for device_id, count in counts.items():
        by_count[count].append(device_id)
    for count, device_ids in by_count.items():
        post_notices(device_ids=device_ids, kind=NoticeKind.EXPIRED, count=count, moment=before)


# First what acks and looks hold first, and in their order: in one statement PostgreSQL chooses it.
EMPTY = """
WITH held AS (
    SELECT position FROM messaging_envelope
    WHERE organisation_id = %(organisation)s AND device_id = %(device)s
    ORDER BY position FOR UPDATE
), gone AS (
    DELETE FROM messaging_envelope WHERE position IN (SELECT position FROM held)
    RETURNING message_id
)
INSERT INTO messaging_delivery (organisation_id, message_id, device_id, outcome, at)
SELECT %(organisation)s, message_id, %(device)s, %(outcome)s, %(at)s FROM gone
"""
FORGET = """
WITH untold AS (
    DELETE FROM messaging_notice WHERE organisation_id = %(organisation)s
        AND (device_id = %(device)s OR about_id = %(device)s)
), unskipped AS (
    DELETE FROM messaging_skip WHERE organisation_id = %(organisation)s
        AND (device_id = %(device)s OR sender_device_id = %(device)s)
)
DELETE FROM messaging_pushtoken
WHERE organisation_id = %(organisation)s AND device_id = %(device)s
"""


def on_device_revoked(revoked: hooks.DeviceRevoked) -> None:
    """All that waits for the device goes at once, and the token that would wake it.

    The organisation's lock is held: no message is on its way to the device.
    """
    about: dict[str, Any] = {
        "organisation": current_organisation_id(),
        "device": revoked.device_id,
        "outcome": Outcome.EXPIRED,
        "at": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(EMPTY, about)
        cursor.execute(FORGET, about)
