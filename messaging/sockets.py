"""What sockets say and are told: acks in; envelopes, notices and the end of the backlog out."""

from typing import Any
from uuid import UUID

from messaging.selectors.mailbox import drained
from messaging.selectors.notices import frame_of
from messaging.serializers.mailbox import in_words
from messaging.services.mailbox import Waiting, acknowledge_all, put_back, take
from messaging.services.notices import tell_notices, untell_notices
from semafore.kernel import hooks
from semafore.kernel.http.fields import UUID_TEXT

ACK_MAX = 256
DRAINED = "drained"


def on_socket_frames(heard: hooks.SocketFrames) -> None:
    """Acks; a malformed one closes its socket."""
    acks = []
    for device_id, actor, frame in heard.frames:
        if frame["type"] == "ack":
            ids = _ids(frame.get("envelope_ids"))
            if ids is None:
                heard.malformed.add(device_id)
            else:
                acks.append((actor, ids))
    acknowledge_all(acks)


def _ids(value: Any) -> list[UUID] | None:
    """At most 256 ids; None for anything else."""
    if not isinstance(value, list) or len(value) > ACK_MAX:
        return None
    if not all(isinstance(one, str) and UUID_TEXT.fullmatch(one) for one in value):
        return None
    return [UUID(one) for one in value]


def on_sockets_look(look: hooks.SocketsLook) -> None:
    """Envelopes and notices to whoever takes frames; after the backlog, `mailbox.drained`."""
    ready = {socket.device_id: socket for socket in look.sockets if socket.ready}
    if not ready:
        return
    serials = {device_id: socket.serial for device_id, socket in ready.items()}
    unsure = {device_id: serials[device_id] for device_id in ready if ready[device_id].unsure}
    if unsure:
        put_back(unsure)
        untell_notices(unsure)
    for device_id, batch in take(serials).items():
        if batch.envelopes:
            look.tell(device_id, *(envelope_frame(one) for one in batch.envelopes))
        if batch.more:
            look.more.add(device_id)
        look.full[device_id] = batch.full
    in_backlog = [device_id for device_id in ready if DRAINED not in ready[device_id].told]
    for device_id in drained({device_id: serials[device_id] for device_id in in_backlog}):
        look.tell(device_id, {"type": "mailbox.drained"})
        ready[device_id].told[DRAINED] = True
    for notice in tell_notices(serials):
        look.tell(notice.device_id, frame_of(notice))


def envelope_frame(one: Waiting) -> dict[str, Any]:
    """What waits, as a frame; `type` being the frame's own, the envelope's has another name."""
    return {"type": "envelope", **in_words(one)}
