"""Sweeps: each works on one bounded batch and skips rows that others hold (`kernel.tasks`)."""

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction

from audit.services.recording import Fact, Ref, record_many
from keys import events
from keys.models import SignedPreKey
from semafore.kernel import clock
from semafore.kernel.realtime import Hint, notify
from semafore.kernel.tasks import BATCH, delete_batch
from semafore.kernel.tenancy import current_organisation_id

TOMBSTONE_LIFETIME = timedelta(days=30)
CLAIM_LIFETIME = timedelta(hours=24)
EXPIRED_TOKEN_LIFETIME = timedelta(hours=24)
"""So long a device hears "expired" of its token, and not "unknown"."""

FORGET_LAPSED = f"""
UPDATE keys_signedprekey SET public_key = NULL, signature = NULL
FROM (
    SELECT device_id, key_id FROM keys_signedprekey
    WHERE organisation_id = %s AND superseded_at <= %s AND public_key IS NOT NULL
    ORDER BY superseded_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
) AS lapsed
WHERE keys_signedprekey.device_id = lapsed.device_id AND keys_signedprekey.key_id = lapsed.key_id
RETURNING keys_signedprekey.device_id, keys_signedprekey.key_id,
    (SELECT name FROM keys_device WHERE id = keys_signedprekey.device_id)
"""  # noqa: S608 - a constant of ours


@transaction.atomic
def delete_lapsed_signed_pre_keys() -> int:
    """Delete superseded signed pre-keys past their grace (seed, Grace Period); how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            FORGET_LAPSED, [current_organisation_id(), clock.now() - settings.SPK_GRACE_PERIOD]
        )
        rows = cursor.fetchall()
    if rows:
        record_many(
            [
                Fact(
                    events.SignedPreKeyDeleted(key_id=key_id),
                    target=Ref(kind="device", id=device_id, label=name),
                )
                for device_id, key_id, name in rows
            ]
        )
    return len(rows)


def warn_of_due_rotations() -> int:
    """Tell connected devices whose signed pre-key expires within 24 hours, or has."""
    due = clock.now() - settings.SPK_MAX_AGE + settings.SPK_WARNING_PERIOD
    devices = SignedPreKey.objects.filter(superseded_at=None, uploaded_at__lte=due)
    ids = list(devices.values_list("device_id", flat=True))
    for start in range(0, len(ids), BATCH):
        notify(ids[start : start + BATCH], Hint.KEY_BUNDLE)
    # Nothing was taken: the same devices are due at the next hour too.
    return 0


def drop_tombstones() -> int:
    """Delete claimed one-time pre-keys after 30 days; how many."""
    return delete_batch(
        "keys_onetimeprekey",
        "organisation_id = %s AND claimed_at < %s",
        [current_organisation_id(), clock.now() - TOMBSTONE_LIFETIME],
    )


def drop_claims() -> int:
    """Delete the notes of claims after 24 hours; how many."""
    return delete_batch(
        "keys_claim",
        "organisation_id = %s AND at < %s",
        [current_organisation_id(), clock.now() - CLAIM_LIFETIME],
    )


def drop_tokens() -> int:
    """Delete tokens a day after they expired; how many."""
    return delete_batch(
        "keys_devicetoken",
        "organisation_id = %s AND expires_at < %s",
        [current_organisation_id(), clock.now() - EXPIRED_TOKEN_LIFETIME],
    )


def drop_spent_challenges() -> int:
    """Delete challenges that can no longer be answered; how many."""
    return delete_batch("keys_spentchallenge", "expires_at < %s", [clock.now()])
