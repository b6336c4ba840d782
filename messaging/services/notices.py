"""What a device is to be told at least once, over its socket."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from keys.models import Device
from keys.selectors.credentials import credential_of
from messaging.models import Notice, NoticeKind
from messaging.selectors.reach import people_in_reach
from semafore.kernel import clock, hooks
from semafore.kernel.realtime import Hint, notify
from semafore.kernel.tasks import delete_batch
from semafore.kernel.tenancy import current_organisation_id

NOTICE_LIFETIME = timedelta(days=30)
HEARD_AFTER_SECONDS = 60

# In device order: of two that tell the same devices at once, one waits for the other.
POST = """
INSERT INTO messaging_notice
    (organisation_id, device_id, kind, room_id, about_id, count, moment, at)
SELECT %(organisation)s, device_id, %(kind)s, %(room)s::uuid, %(about)s::uuid, %(count)s,
       %(moment)s::timestamptz, %(at)s
FROM unnest(%(devices)s::uuid[]) AS device_id ORDER BY device_id
ON CONFLICT (device_id, kind, room_id, about_id) WHERE told_serial IS NULL
DO UPDATE SET count = messaging_notice.count + excluded.count, moment = excluded.moment
"""


def post_notices(
    *,
    device_ids: Collection[UUID],
    kind: NoticeKind,
    room_id: UUID | None = None,
    about: UUID | None = None,
    count: int = 0,
    moment: datetime | None = None,
) -> None:
    """Have these devices told; what waits of the same kind, room and device is one notice."""
    if not device_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            POST,
            {
                "organisation": current_organisation_id(),
                "devices": list(device_ids),
                "kind": kind,
                "room": room_id,
                "about": about,
                "count": count,
                "moment": moment,
                "at": clock.now(),
            },
        )
    notify(device_ids, Hint.MAILBOX)


# Skipping what others hold: they post, and have the device look again once they have committed.
TELL = """
WITH held AS (
    SELECT notice.id, one.serial
    FROM messaging_notice AS notice
    JOIN unnest(%(devices)s::uuid[], %(serials)s::bigint[]) AS one(device_id, serial)
        USING (device_id)
    WHERE notice.organisation_id = %(organisation)s
      AND coalesce(notice.told_serial, 0) < one.serial
    FOR UPDATE OF notice SKIP LOCKED
)
UPDATE messaging_notice AS notice SET told_serial = held.serial, told_at = %(at)s
FROM held WHERE notice.id = held.id
RETURNING notice.id
"""


def tell_notices(serials: Mapping[UUID, int]) -> list[Notice]:
    """What these devices were not told on these connections yet, oldest first; now it counts so."""
    with connection.cursor() as cursor:
        cursor.execute(
            TELL,
            {
                "organisation": current_organisation_id(),
                "devices": list(serials.keys()),
                "serials": list(serials.values()),
                "at": clock.now(),
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(Notice.objects.filter(id__in=ids).order_by("id")) if ids else []


# Zero, not null: the next of the same kind may be waiting already.
UNTELL = """
UPDATE messaging_notice AS notice SET told_serial = 0
FROM unnest(%(devices)s::uuid[], %(serials)s::bigint[]) AS one(device_id, serial)
WHERE notice.organisation_id = %(organisation)s AND notice.device_id = one.device_id
  AND notice.told_serial = one.serial
"""


def untell_notices(serials: Mapping[UUID, int]) -> None:
    """What was told on these connections is told again: it may never have been sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            UNTELL,
            {
                "organisation": current_organisation_id(),
                "devices": list(serials.keys()),
                "serials": list(serials.values()),
            },
        )


HEARD = f"""
organisation_id = %s AND (
    at < %s OR EXISTS (
        SELECT FROM realtime_connection AS connection
        WHERE connection.device_id = messaging_notice.device_id
          AND connection.serial = messaging_notice.told_serial
          AND coalesce(connection.closed_at, connection.last_seen)
              > messaging_notice.told_at + interval '{HEARD_AFTER_SECONDS} seconds'
    )
)
"""


def drop_heard_notices() -> int:
    """Delete what was told on a socket that held on after it, and what is too old; how many.

    A silent socket is found dead within 60 seconds: one that was open for longer has taken it.
    """
    return delete_batch(
        "messaging_notice",
        HEARD,
        [current_organisation_id(), clock.now() - NOTICE_LIFETIME],
    )


def on_signed_pre_key_renewed(renewed: hooks.SignedPreKeyRenewed) -> None:
    """Whoever had to leave the device out, and reaches its person still, is told."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM messaging_skip WHERE organisation_id = %s AND device_id = %s"
            " RETURNING sender_device_id",
            [current_organisation_id(), renewed.device_id],
        )
        senders = [sender_id for (sender_id,) in cursor.fetchall()]
    if senders:
        device = Device.objects.select_related("membership").get(id=renewed.device_id)
        told = Device.objects.filter(
            id__in=senders, membership__in=people_in_reach(credential_of(device))
        )
        post_notices(
            device_ids=list(told.values_list("id", flat=True)),
            kind=NoticeKind.REACHABLE,
            about=device.id,
        )
