"""Holds device sockets, sends messages at a steady pace, and takes the time from POST to frame.

A process of its own (`python -m bench.deliveries`): one thread, plain sockets. Reads one JSON
object from its standard input: `web`, `realtime` (ports), `tokens` (of the sockets), `messages`
(requests in base64), `a_second`, `warm_up` (seconds). Prints one JSON object.
"""

import base64
import json
import re
import selectors
import sys
import time

from bench.load import Connection
from bench.sockets import TEXT, DeviceSocket

MESSAGE_ID = re.compile(rb'"message_id":\s?"([0-9a-f-]{36})"')
ENVELOPE_ID = re.compile(rb'"envelope_id":\s?"([0-9a-f-]{36})"')
PATIENCE = 20.0
MASK = bytes(4)


class Mailbox(DeviceSocket):
    """A socket that acknowledges each envelope and notes when it came."""

    def __init__(self, port: int, token: str, came: list[tuple[bytes, float]]) -> None:
        self.drained = False
        self._came = came
        super().__init__(port, token)

    def _handle(self, kind: int, data: bytes) -> None:
        super()._handle(kind, data)
        if kind != TEXT:
            return
        if b'"mailbox.drained"' in data:
            self.drained = True
        found, message = ENVELOPE_ID.search(data), MESSAGE_ID.search(data)
        if found and message:
            self._came.append((message.group(1), time.perf_counter()))
            ack = b'{"type":"ack","envelope_ids":["' + found.group(1) + b'"]}'
            self.socket.sendall(bytes((0x81, 0x80 | len(ack))) + MASK + ack)


def main() -> None:
    """Opens the sockets, sends, and says what it saw."""
    plan = json.load(sys.stdin)
    came: list[tuple[bytes, float]] = []
    selector = selectors.DefaultSelector()
    sockets = []

    def poll(seconds: float) -> list[Connection]:
        answered = []
        for key, _ in selector.select(max(0.0, seconds)):
            if isinstance(key.data, Connection):
                if key.data.receive():
                    answered.append(key.data)
            else:
                key.data.receive()
        return answered

    for token in plan["tokens"]:
        one = Mailbox(plan["realtime"], token, came)
        sockets.append(one)
        selector.register(one.socket, selectors.EVENT_READ, one)
    deadline = time.monotonic() + PATIENCE
    while not all(one.drained for one in sockets) and time.monotonic() < deadline:
        poll(0.5)

    requests = [base64.b64decode(one) for one in plan["messages"]]
    free = [Connection(("127.0.0.1", plan["web"]), requests) for _ in range(8)]
    for connection in free:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    sent: dict[bytes, float] = {}
    answers, not_ok, late = [], 0, 0
    begin = time.perf_counter()
    for number, request in enumerate(requests):
        due = begin + number / plan["a_second"]
        while (left := due - time.perf_counter()) > 0:
            for connection in poll(left):
                answers.append(time.perf_counter() - connection.sent_at)
                not_ok += not connection.ok
                free.append(connection)
        while not free:
            late += 1
            for connection in poll(0.5):
                answers.append(time.perf_counter() - connection.sent_at)
                not_ok += not connection.ok
                free.append(connection)
        connection = free.pop()
        message = MESSAGE_ID.search(request)
        assert message
        connection.requests, connection.next = [request], 0
        connection.send(repeat=False)
        sent[message.group(1)] = connection.sent_at
    expected = plan["recipients"] * len(requests)
    deadline = time.monotonic() + PATIENCE
    while len(came) < expected and time.monotonic() < deadline:
        poll(0.5)
    counted = [
        1000 * (at - sent[message_id])
        for message_id, at in came
        if sent[message_id] >= begin + plan["warm_up"]
    ]
    counted.sort()
    print(
        json.dumps(
            {
                "expected": expected,
                "came": len(came),
                "not_ok": not_ok,
                "late": late,
                "median": counted[len(counted) // 2],
                "p95": counted[len(counted) * 95 // 100],
                "p99": counted[len(counted) * 99 // 100],
                "post_median": 1000 * sorted(answers)[len(answers) // 2] if answers else 0.0,
            }
        )
    )


if __name__ == "__main__":
    main()
