"""What a device is to be told at least once, over its socket."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection

from messaging.models import Notice, NoticeKind
from semafore.kernel import clock
from semafore.kernel.realtime import Hint, notify
from semafore.kernel.tenancy import current_organisation_id

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


TELL = """
UPDATE messaging_notice AS notice SET told_serial = one.serial, told_at = %(at)s
FROM unnest(%(devices)s::uuid[], %(serials)s::bigint[]) AS one(device_id, serial)
WHERE notice.organisation_id = %(organisation)s AND notice.device_id = one.device_id
  AND notice.told_serial IS DISTINCT FROM one.serial
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
