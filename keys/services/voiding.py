"""After a restore nobody knows which keys were handed out: none of them is handed out again."""

from collections.abc import Mapping
from uuid import UUID

from django.db import connection, transaction

from keys.models import DeviceToken
from semafore.kernel import clock
from semafore.kernel.tenancy import current_organisation_id

SKIPPED = 2**20
"""Ids that are never accepted: more than a device uploads in what a restore may lose. A device goes
on above the highest id that the server names, so a key that was uploaded and claimed in that time
can't come back, whatever the device remembers."""

# They stay as tombstones, as if claimed. The last id is issued: claims needn't pass them.
VOID_KEYS = """
WITH voided AS (
    UPDATE keys_onetimeprekey SET claimed_at = %(at)s
    WHERE organisation_id = %(organisation)s AND claimed_at IS NULL
    RETURNING device_id
), emptied AS (
    UPDATE keys_keybundle SET available = 0, issued_key_id = highest_key_id,
        highest_key_id = greatest(highest_key_id, least(highest_key_id + %(skipped)s, %(most)s))
    WHERE organisation_id = %(organisation)s
)
SELECT count(*) FROM voided
"""
MOST = 2**31 - 1 - SKIPPED
"""Leaves a device some ids (api.md: 1 to 2³¹-1)."""

FORGET_RETRIES = """
UPDATE keys_claim SET idempotency_key = NULL, request_hash = NULL
WHERE organisation_id = %s AND idempotency_key IS NOT NULL
"""

RAISE_FLOOR = """
UPDATE keys_keybundle SET highest_key_id = %(highest)s
WHERE organisation_id = %(organisation)s AND device_id = %(device)s
  AND highest_key_id < %(highest)s
"""


@transaction.atomic
def void_one_time_pre_keys() -> int:
    """Issue none of the organisation's one-time pre-keys that are held; how many.

    Ids that may have been used since the backup are refused. Retries of earlier claims are claims.
    Once after a restore: each call skips ids.
    """
    organisation = current_organisation_id()
    with connection.cursor() as cursor:
        cursor.execute(
            VOID_KEYS,
            {"at": clock.now(), "organisation": organisation, "skipped": SKIPPED, "most": MOST},
        )
        (voided,) = cursor.fetchone()
        cursor.execute(FORGET_RETRIES, [organisation])
    return int(voided)


def raise_floors(highest: Mapping[UUID, int]) -> None:
    """Refuse ids up to these, which devices are known to have used."""
    with connection.cursor() as cursor:
        for device_id, key_id in sorted(highest.items()):
            cursor.execute(
                RAISE_FLOOR,
                {
                    "organisation": current_organisation_id(),
                    "device": device_id,
                    "highest": key_id,
                },
            )


def void_device_tokens() -> int:
    """Take back every token: one that was taken back since the backup can't be told; how many."""
    return DeviceToken.objects.all().delete()[0]
