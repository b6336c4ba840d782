"""Every write of the socket: that a device connected, and that it still is."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection

from realtime.models import Connection
from semafore.kernel import clock
from semafore.kernel.realtime import Hint, notify
from semafore.kernel.tenancy import current_organisation_id

SEEN_EVERY = timedelta(minutes=5)
"""So seldom is `last_seen` written: an hour on the socket costs a dozen small updates."""

# The row's lock puts connects that come at once into an order; whoever is last is the one.
TAKE_PLACE = """
INSERT INTO realtime_connection (organisation_id, device_id, serial, connected_at, last_seen)
VALUES (%(organisation)s, %(device)s, 1, %(at)s, %(at)s)
ON CONFLICT (device_id) DO UPDATE SET
    serial = realtime_connection.serial + 1, connected_at = %(at)s, last_seen = %(at)s,
    closed_at = NULL
RETURNING serial
"""


def take_place(*, device_id: UUID) -> int:
    """Make this connect the device's one; its serial. Every other socket of the device looks.

    One statement, so its own transaction. Recorded nowhere: opening a socket changes nothing that
    an organisation could want proved, and the token's issue is recorded already.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE_PLACE,
            {
                "organisation": current_organisation_id(),
                "device": device_id,
                "at": clock.now(),
            },
        )
        (serial,) = cursor.fetchone()
    notify([device_id], Hint.STATUS)
    return int(serial)


def note_seen(*, device_ids: Sequence[UUID]) -> None:
    """These devices' sockets are open; one statement, which leaves fresh rows alone."""
    now = clock.now()
    Connection.objects.filter(device_id__in=device_ids, last_seen__lt=now - SEEN_EVERY).update(
        last_seen=now
    )


def leave_place(*, device_id: UUID, serial: int) -> None:
    """The socket of this connect is closed; nothing where a later connect has the place."""
    Connection.objects.filter(device_id=device_id, serial=serial).update(closed_at=clock.now())
