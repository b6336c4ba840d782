"""What sockets are told of maintenance: the windows that lie ahead, whenever they are others."""

from collections.abc import Collection
from uuid import UUID

from orgs.selectors.maintenance import window_in_brief, windows_ahead
from realtime.models import Connection
from semafore.kernel import hooks
from semafore.kernel.realtime import Hint, notify

TOLD = "maintenance.scheduled"


def tell_maintenance(look: hooks.SocketsLook, asking: Collection[UUID]) -> None:
    """`maintenance.scheduled` to those of the devices asking who were told something else.

    All windows at once, so that one which isn't among them any more is over or was called off.
    Where nobody asks, no statement.
    """
    due = [one for one in look.sockets if one.ready and one.device_id in asking]
    if not due:
        return
    ahead = [window_in_brief(window) for window in windows_ahead()]
    for socket in due:
        if socket.told.get(TOLD, []) != ahead:
            look.tell(socket.device_id, {"type": TOLD, "maintenance": ahead})
        socket.told[TOLD] = ahead


def on_maintenance_told(_told: hooks.MaintenanceTold) -> None:
    """Handler of the kernel's hook: the organisation's open sockets look."""
    connected = Connection.objects.filter(closed_at=None).values_list("device_id", flat=True)
    notify(connected, Hint.MAINTENANCE)
