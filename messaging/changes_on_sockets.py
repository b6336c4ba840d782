"""What sockets are told of the feed of changes: where it stands, and when that moved on."""

from typing import Any

from messaging.selectors.changes import cursor_at
from messaging.selectors.versions import latest, touched
from semafore.kernel import hooks

TOLD = "changes"


def on_socket_connected(connected: hooks.SocketConnected) -> None:
    """Where the feed stands, in hello."""
    version = latest().any
    connected.hello["changes_cursor"] = cursor_at(version, membership_id=connected.membership_id)
    connected.told[TOLD] = version


def on_sockets_look(look: hooks.SocketsLook) -> None:
    """`changes` to whom something may be new. One statement where nothing is, two else."""
    ready = [socket for socket in look.sockets if socket.ready]
    if not ready:
        return
    stand = latest()
    behind = [socket for socket in ready if socket.told[TOLD] < stand.any]
    if not behind:
        return
    told = {one.device_id: (one.membership_id, one.told[TOLD]) for one in behind}
    news = touched(told, stand)
    for socket in behind:
        socket.told[TOLD] = stand.any
        if socket.device_id in news:
            look.tell(socket.device_id, _frame(socket, stand.any))


def _frame(socket: hooks.OpenSocket, version: int) -> dict[str, Any]:
    return {
        "type": "changes",
        "cursor": cursor_at(version, membership_id=socket.membership_id),
    }
